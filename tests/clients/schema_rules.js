// What the linters of the schema ask for, and what they may not ask for here. Every exception has its reason; one that is
// not needed any more makes the test fail.

/** Rules of @graphql-eslint/eslint-plugin that don't hold here. */
export const eslintOff = {
  'alphabetize': 'The order is by meaning: key fields first, steps in the order of a life. Types are sorted by name, see tests/it/schema.rs.',
  'description-style': 'The SDL is printed by the library: one line in quotes, several lines as a block.',
  'no-root-type': 'Made for schemas that may have no mutations or subscriptions. This one has both.',
  'require-field-of-type-query-in-mutation-result': 'A payload holds what was changed and the errors; the next query is a request of its own.',
  'require-nullable-result-in-root': 'Lists that are never null, and what always exists (viewer, phase), say so.',
  'strict-id-in-types': 'Values without an identity (money, payloads, pages, answers) have no id; what can be refetched is a Node, whose interface asks for one.',
};

/** Options of rules that hold in part. */
export const eslintOptions = {
  'relay-edge-types': {
    // Short lists that cannot grow are plain lists.
    listTypeCanWrapOnlyEdgeType: false,
    // Rows of reports and records (an offer for one municipality, a change, a task) are nothing of their own to refetch.
    shouldImplementNode: false,
  },
};

/** Single findings of rules that hold everywhere else. */
export const eslintAllowed = [
  { rule: 'relay-arguments', message: 'Field `changes` must contain an argument `last`', reason: 'The feed is read in the order of commits, forwards only.' },
  { rule: 'relay-arguments', message: 'Field `changes` must contain an argument `before`', reason: 'The feed is read in the order of commits, forwards only.' },
];

/** Rules of graphql-schema-linter that don't hold here. */
export const linterOff = {
  'enum-values-sorted-alphabetically': 'Values stand in the order of their meaning: the steps of a life, the size of an order.',
  'input-object-fields-sorted-alphabetically': 'What has to be given comes first.',
  'type-fields-sorted-alphabetically': 'What tells a thing apart comes first.',
};
