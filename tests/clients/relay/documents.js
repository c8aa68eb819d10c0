// Documents of the tests of Relay. Only Relay's compiler reads this file; what it makes of it is in __generated__/.
import { graphql } from 'relay-runtime';

// Next pages come by `node(id:)`, because a provider is a Node.
graphql`
  query documentsProviderQuery($key: String!, $count: Int!) {
    provider(by: { key: $key }) {
      id
      ...documents_provider @arguments(count: $count)
    }
  }
`;

graphql`
  fragment documents_provider on Provider
  @argumentDefinitions(count: { type: "Int", defaultValue: 10 }, cursor: { type: "String" })
  @refetchable(queryName: "documentsProviderPageQuery") {
    name
    products(first: $count, after: $cursor) @connection(key: "documents_provider_products") {
      totalCount
      edges { node { id name } }
    }
  }
`;

// Next pages of a list of the root.
graphql`
  query documentsProductsQuery($count: Int!, $search: String) {
    ...documents_products @arguments(count: $count, search: $search)
  }
`;

graphql`
  fragment documents_products on Query
  @argumentDefinitions(count: { type: "Int", defaultValue: 10 }, cursor: { type: "String" }, search: { type: "String" })
  @refetchable(queryName: "documentsProductsPageQuery") {
    products(first: $count, after: $cursor, search: $search) @connection(key: "documents_products", filters: ["search"]) {
      edges { node { id name lifecycle } }
    }
  }
`;

graphql`
  mutation documentsInterestMutation($input: DeclareInterestInput!) {
    declareInterest(input: $input) {
      subscription { id state version product { id name } }
      errors { code path message }
    }
  }
`;
