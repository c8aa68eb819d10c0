// Copies of a schema with one place changed, for tests that want a broken one.
import { parse, parseType, print } from 'graphql';

/**
 * The SDL with the element at `path` (`Type.field`, `Type.field.argument`, `Input.field`, `Enum.VALUE`) replaced by what `change`
 * makes of its node; null removes it. No such element is an error.
 */
export function edited(sdl, path, change) {
  const document = parse(sdl);
  return print({ ...document, definitions: within(document.definitions, path.split('.'), change) });
}

function within(nodes, [name, ...rest], change) {
  const at = nodes.findIndex((node) => node.name?.value === name && node.kind !== 'DirectiveDefinition');
  if (at < 0) throw new Error(`the schema has no ${name} any more`);
  const node = nodes[at];
  const members = ['fields', 'values', 'arguments'].find((key) => node[key]?.length > 0);
  const instead = rest.length === 0 ? change(node) : { ...node, [members]: within(node[members] ?? [], rest, change) };
  return [...nodes.slice(0, at), ...(instead ? [instead] : []), ...nodes.slice(at + 1)];
}

export const removed = () => null;
export const ofType = (type) => (node) => ({ ...node, type: parseType(type) });
export const named = (name) => (node) => ({ ...node, name: { ...node.name, value: name } });
export const undescribed = (node) => ({ ...node, description: undefined });
export const deprecated = (node) => ({ ...node, directives: [...node.directives, { kind: 'Directive', name: { kind: 'Name', value: 'deprecated' }, arguments: [] }] });
