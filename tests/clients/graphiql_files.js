// Which file of data/graphiql/ is which file of a package, at the versions of package-lock.json. Run, it fetches them anew:
// see scripts/graphiql.
import { copyFile, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';

export const FOLDER = new URL('../../data/graphiql/', import.meta.url);
const modules = new URL('node_modules/', import.meta.url);

const SCRIPTS = [
  ['graphiql', 'graphiql.min.js'],
  ['graphiql', 'graphiql.min.css'],
  ['react', 'umd/react.production.min.js'],
  ['react-dom', 'umd/react-dom.production.min.js'],
  ['graphql-sse', 'umd/graphql-sse.min.js'],
];

/** Every file as `{name, source}`; `name` holds the version, for `graphiql-3.9.0.min.js` may be kept for ever. */
export async function files() {
  return Promise.all(SCRIPTS.map(async ([package_, path]) => {
    const { version } = JSON.parse(await readFile(new URL(`${package_}/package.json`, modules), 'utf8'));
    const name = path.split('/').pop().replace(package_, `${package_}-${version}`);
    return { name, source: new URL(`${package_}/${path}`, modules) };
  }));
}

if (import.meta.url === `file://${process.argv[1]}`) {
  const wanted = await files();
  for (const name of await readdir(FOLDER)) if (/\.(js|css)(\.gz)?$/.test(name)) await rm(new URL(name, FOLDER));
  for (const { name, source } of wanted) {
    await copyFile(source, new URL(name, FOLDER));
    await writeFile(new URL(`${name}.gz`, FOLDER), gzipSync(await readFile(source), { level: 9 }));
  }
  console.log(wanted.map(({ name }) => name).join('\n'));
}
