// The page around GraphiQL: German help and examples beside it, requests with the token of the header editor, and
// subscriptions as server-sent events, which carry that token too.
'use strict';

(() => {
  const { createElement: h, useEffect, useState } = React;
  const { GraphQL, React: { useEditorContext } } = GraphiQL;
  const address = (path) => new URL(path, document.baseURI).toString();
  const ENDPOINT = address('graphql');
  /** Stands in the header editor until somebody puts a token behind it. */
  const NO_TOKEN = 'Bearer ';

  /** The headers to send: those of the editor, without the template that has no token yet. */
  function sent(headers = {}) {
    const isTemplate = ([name, value]) => name.toLowerCase() === 'authorization' && String(value).trim() === NO_TOKEN.trim();
    const given = Object.entries(headers).filter((header) => !isTemplate(header));
    return { 'Accept-Language': 'de', ...Object.fromEntries(given) };
  }

  function isSubscription({ query, operationName }) {
    const operations = GraphQL.parse(query).definitions.filter(({ kind }) => kind === 'OperationDefinition');
    const chosen = operations.find(({ name }) => !operationName || name?.value === operationName);
    return chosen?.operation === 'subscription';
  }

  const ask = GraphiQL.createFetcher({ url: ENDPOINT });

  function fetcher(parameters, options = {}) {
    const headers = sent(options.headers);
    if (!isSubscription(parameters)) return ask(parameters, { ...options, headers });
    return graphqlSse.createClient({ url: ENDPOINT, headers, retryAttempts: 0 }).iterate(parameters);
  }

  /** Keeps tabs and history in the browser, but no headers: GraphiQL's history would keep them with their tokens. */
  function createStorage() {
    const kept = GraphiQL.createLocalStorage({ namespace: 'itkatalog' });
    const withoutHeaders = (key, value) => (key === 'headers' ? undefined : value);
    const isJson = (key) => /:(queries|favorites|tabState)$/.test(key);
    const setItem = (key, value) => kept.setItem(key, isJson(key) ? JSON.stringify(JSON.parse(value, withoutHeaders)) : value);
    return Object.assign(Object.create(kept), { setItem });
  }

  /** Shows an example in a tab of its own, with the headers (and the token) of the tab before. */
  function useShow() {
    const { addTab, queryEditor, variableEditor, headerEditor } = useEditorContext({ nonNull: true });
    return ({ query, variables }) => {
      const headers = headerEditor?.getValue() ?? '';
      addTab();
      setTimeout(() => {
        queryEditor?.setValue(query);
        variableEditor?.setValue(variables ? JSON.stringify(variables, null, 2) : '');
        headerEditor?.setValue(headers);
      });
    };
  }

  function Examples() {
    const [examples, setExamples] = useState([]);
    const [error, setError] = useState(null);
    const show = useShow();
    useEffect(() => {
      fetch(address('graphiql/examples.json')).then((answer) => answer.json()).then(setExamples).catch(setError);
    }, []);
    const kinds = [...new Set(examples.map(({ kind }) => kind))];
    const button = (example) => h('li', { key: example.title },
      h('button', { type: 'button', className: 'itkatalog-example', onClick: () => show(example) }, example.title));
    const section = (kind) => h('section', { key: kind, 'aria-label': kind },
      h('h2', null, kind), h('ul', null, examples.filter((example) => example.kind === kind).map(button)));
    return h('div', { className: 'itkatalog-panel', lang: 'de' },
      h('div', { className: 'graphiql-doc-explorer-title' }, 'Beispiele'),
      h('p', null, 'Ein Klick öffnet das Beispiel in einem neuen Reiter; ▶ (Strg+Eingabe) schickt es ab. Was hinter „Portal“ steht, darf jeder lesen; alles andere braucht einen Token der genannten Stelle.'),
      error && h('p', { role: 'alert' }, `Die Beispiele konnten nicht geladen werden: ${error.message}`),
      kinds.map(section));
  }

  function Help() {
    return h('div', { className: 'itkatalog-panel', lang: 'de' },
      h('div', { className: 'graphiql-doc-explorer-title' }, 'Hilfe'),
      h('h2', null, 'Was ist das hier?'),
      h('p', null, 'Mit GraphiQL lassen sich Abfragen an den IT-Katalog ausprobieren. Links wird die Abfrage geschrieben (Strg+Leertaste schlägt vor, was möglich ist), rechts erscheint die Antwort. Das Buch-Symbol öffnet die Beschreibung aller Felder.'),
      h('h2', null, 'Anmelden'),
      h('p', null, 'Ohne Token ist der öffentliche Katalog lesbar. Wer mehr darf, trägt seinen Token unten unter „Headers“ ein:'),
      h('pre', null, '{ "Authorization": "Bearer eyJhbGciOi…" }'),
      h('p', null, 'Er bleibt nur in diesem Fenster und wird nicht gespeichert. Einen Token gibt die Anmeldestelle der eigenen Organisation aus; zum Ausprobieren mit „serve --demo“:'),
      h('pre', null, 'itkatalog token --role municipality --municipality 05334002'),
      h('p', null, 'Die Abfrage { viewer { subject roles } } sagt, als wer man angemeldet ist.'),
      h('h2', null, 'Achtung bei Änderungen'),
      h('p', null, 'Eine „mutation“ ändert den Katalog wirklich und wird protokolliert. „dryRun: true“ probt, ohne etwas zu schreiben.'),
      h('h2', null, 'Mehr'),
      h('p', null, h('a', { href: address('schema.graphql'), target: '_blank', rel: 'noreferrer' }, 'Das ganze Schema als Text')));
  }

  const icon = (path) => () => h('svg', { viewBox: '0 0 24 24', fill: 'none', stroke: 'currentColor', strokeWidth: 1.5, 'aria-hidden': true }, h('path', { d: path }));
  const plugins = [
    { title: 'Beispiele', content: Examples, icon: icon('M4 6h16M4 12h16M4 18h10') },
    { title: 'Hilfe', content: Help, icon: icon('M9 9a3 3 0 1 1 4 3c-1 .5-1 1-1 2m0 3v.5M12 22a10 10 0 1 0 0-20 10 10 0 0 0 0 20z') },
  ];

  const WELCOME = `# Willkommen beim IT-Katalog NRW.
# Links stehen unter „Beispiele“ fertige Abfragen, unter „Hilfe“ steht, wie man sich anmeldet.
{
  viewer { subject roles }
  currentPhase { name theme }
}
`;

  async function start() {
    const answer = await fetch(address('schema.graphql'));
    if (!answer.ok) throw new Error(`das Schema fehlt (Status ${answer.status})`);
    const schema = GraphQL.buildSchema(await answer.text(), { assumeValidSDL: true });
    const properties = {
      fetcher, schema, plugins,
      storage: createStorage(),
      visiblePlugin: 'Beispiele',
      defaultQuery: WELCOME,
      defaultHeaders: `{\n  "Authorization": "${NO_TOKEN}"\n}`,
      defaultEditorToolsVisibility: 'headers',
      shouldPersistHeaders: false,
      showPersistHeadersSettings: false,
    };
    ReactDOM.createRoot(document.getElementById('graphiql')).render(h(GraphiQL, properties));
  }

  start().catch((error) => {
    document.querySelector('.itkatalog-waiting').textContent = `Die Oberfläche konnte nicht geladen werden: ${error.message}`;
  });
})();
