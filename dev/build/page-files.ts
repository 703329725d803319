/**
 * The files of the pages in `dev/pages/`. A page is bundled when its script or style sheet is first
 * read.
 */
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { bundlePage, type PageBundle } from './bundle-page.ts'

const pages = resolve(import.meta.dirname, '../pages')

/** By the name of the file, such as `console.js`. */
export type PageFiles = ReadonlyMap<string, () => Promise<string>>

/**
 * @param name a folder of `dev/pages/`, whose files are `main.tsx` and the page itself
 * @param servedAs the file that the page is served as
 */
function filesOfPage(name: string, servedAs = `${name}.html`): PageFiles {
  let bundling: Promise<PageBundle> | undefined
  const bundle = () => (bundling ??= bundlePage(resolve(pages, name, 'main.tsx')))
  return new Map([
    [servedAs, () => readFile(resolve(pages, name, `${name}.html`), 'utf8')],
    [`${name}.js`, async () => (await bundle()).script],
    [`${name}.css`, async () => (await bundle()).style],
  ])
}

/** The pages that are deployed: `npm run bundle` writes them into `public/`. */
export const deployedPages: PageFiles = filesOfPage('console')

const worldPage = filesOfPage('world', 'index.html')

/**
 * The pages of the local world: its own at `/`, those that are deployed, and at `/deployed` the
 * start page, which is deployed at `/`.
 *
 * @param directory `public`
 */
export const pagesOfWorld = (directory: string): PageFiles =>
  new Map([
    ...deployedPages,
    ...worldPage,
    ['deployed.html', () => readFile(join(directory, 'index.html'), 'utf8')],
  ])
