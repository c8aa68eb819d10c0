"""What is sent: the documents of the contract, and the same questions in the words that PostGraphile makes of the tables."""
import pathlib

CONTRACT = pathlib.Path(__file__).parent.parent.parent / "tests/it/contract"


def contract(name, without=()):
    """A document of the contract, but for its comments and some fields that stand on lines of their own."""
    lines = (CONTRACT / name).read_text().splitlines()
    return "\n".join(line for line in lines if not line.strip().startswith(("#", *without)))


AVAILABLE_PRODUCTS = contract("01-portal-available-products.graphql")
PRODUCTS = contract("02-portal-product-list.graphql")
OWN_SUBSCRIPTIONS = contract("05-own-subscriptions.graphql", ("permissions", "history"))
REQUEST = contract("06-request-subscription.graphql")
REGISTER = contract("12-register-portfolio.graphql")
CURSORS = """query Cursors($first: Int, $after: String, $where: ProductFilter, $orderBy: [ProductOrder!]) {
  products(first: $first, after: $after, where: $where, orderBy: $orderBy) { edges { cursor } } }"""
ALL_SUBSCRIPTIONS = """query AllSubscriptions($first: Int, $after: String) {
  subscriptions(first: $first, after: $after) {
    pageInfo { hasNextPage endCursor }
    edges { node {
      id state version quantity origin agreedFrom activeSince
      price { unit period amount { amount } }
      product { id name }
      subscriber { ... on Municipality { ags name } ... on Provider { key name } }
    } }
  } }"""

PRODUCT_FIELDS = """totalCount
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    edges { cursor node { rowId name lifecycle providerByProviderId { key name } categoryByCategoryId { key name }
      pricesByProductId { nodes { unit period amountCents } } } }"""
PG_PRODUCTS = """query ProductList($first: Int, $after: Cursor, $lifecycle: String) {
  allProducts(first: $first, after: $after, condition: { lifecycle: $lifecycle }, orderBy: [NAME_KEY_ASC]) {
    %s
  } }""" % PRODUCT_FIELDS
PG_SEARCH = """query Search($first: Int, $search: String, $lifecycle: String) {
  searchProducts(first: $first, search: $search, lifecycle: $lifecycle) {
    %s
  } }""" % PRODUCT_FIELDS
PG_CURSORS = """query Cursors($first: Int, $after: Cursor, $lifecycle: String) {
  allProducts(first: $first, after: $after, condition: { lifecycle: $lifecycle }, orderBy: [NAME_KEY_ASC]) { edges { cursor } } }"""
PG_OWN_SUBSCRIPTIONS = """query OwnSubscriptions($ags: String!) {
  municipalityByAgs(ags: $ags) {
    name annualCost
    productSubscriptionsByMunicipalityId(first: 50, orderBy: [CREATED_AT_DESC, ROW_ID_DESC]) {
      totalCount
      edges { node {
        rowId state version quantity origin requestedFrom agreedFrom activeSince endsOn noticeMonths termEnd
        openMatter openQuantity openOn askedBySubject expiresAt
        priceUnit pricePeriod priceAmountCents priceVatBasisPoints
        productByProductId { rowId name providerByProviderId { key name } }
      } }
    }
  } }"""
PG_ALL_SUBSCRIPTIONS = """query AllSubscriptions($first: Int, $after: Cursor) {
  allProductSubscriptions(first: $first, after: $after, orderBy: [CREATED_AT_DESC, ROW_ID_DESC]) {
    pageInfo { hasNextPage endCursor }
    edges { node {
      rowId state version quantity origin agreedFrom activeSince
      priceUnit pricePeriod priceAmountCents
      productByProductId { rowId name }
      municipalityByMunicipalityId { ags name }
    } }
  } }"""
PG_REQUEST = """mutation Request($input: RequestPlainlyInput!) {
  requestPlainly(input: $input) {
    result { rowId state version productByProductId { name } municipalityByMunicipalityId { ags } }
  } }"""
