// What would break callers of the last release: differences that @graphql-inspector/core calls breaking, without those that
// were announced. A deprecated element may be gone from the day on that its reason names.
import { diff } from '@graphql-inspector/core';

const ANNOUNCED = / Removed from (\d{4}-\d{2}-\d{2})\.$/;

/** The element at a path as inspector names it: `Type.field`, `Type.field.argument`, `Input.field`, `Enum.VALUE`. */
function element(schema, path) {
  const [typeName, name, argument] = path.split('.');
  const type = schema.getType(typeName);
  const member = type?.getFields?.()[name] ?? type?.getValue?.(name);
  return argument ? member?.args?.find((one) => one.name === argument) : member;
}

/** The day from which an element of the release may be gone; undefined when nothing was announced. */
function goneFrom(released, { type, path }) {
  return type.endsWith('_REMOVED') ? ANNOUNCED.exec(element(released, path ?? '')?.deprecationReason ?? '')?.[1] : undefined;
}

/** Breaking changes from the `released` schema to `current`, on the day `today` (YYYY-MM-DD). */
export async function breakingChanges(released, current, today) {
  const changes = await diff(released, current);
  return changes
    .filter(({ criticality }) => criticality.level === 'BREAKING')
    .filter((change) => !(goneFrom(released, change) <= today))
    .map(({ type, path, message }) => ({ type, path, message }));
}
