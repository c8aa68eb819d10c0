// Typed documents from documents/*.graphql, checked against the schema that is checked in.
import type { CodegenConfig } from '@graphql-codegen/cli';

const config: CodegenConfig = {
  schema: '../../../schema.graphql',
  documents: 'documents/*.graphql',
  generates: {
    'generated/': {
      preset: 'client',
      presetConfig: { fragmentMasking: false },
      config: {
        useTypeImports: true,
        enumsAsTypes: true,
        strictScalars: true,
        scalars: { AGS: 'string', ARS: 'string', Date: 'string', DateTime: 'string', Decimal: 'string', EmailAddress: 'string', JSON: 'unknown', Url: 'string' },
      },
    },
  },
};

export default config;
