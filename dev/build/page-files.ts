/**
 * The files of the pages in `dev/pages/`. A page is bundled when its script or style is first read.
 */
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { bundlePage, type PageBundle } from './bundle-page.ts'

const pages = resolve(import.meta.dirname, '../pages')

/** By the name of the file, such as `console.js`. */
export type PageFiles = ReadonlyMap<string, () => Promise<string>>

/** @param name a folder of `dev/pages/`, whose files are `main.tsx` and the page itself */
function filesOfPage(name: string): PageFiles {
  let bundling: Promise<PageBundle> | undefined
  const bundle = () => (bundling ??= bundlePage(resolve(pages, name, 'main.tsx')))
  return new Map([
    [`${name}.html`, () => readFile(resolve(pages, name, `${name}.html`), 'utf8')],
    [`${name}.js`, async () => (await bundle()).script],
    [`${name}.css`, async () => (await bundle()).style],
  ])
}

/** The pages that are deployed: `npm run bundle` writes them into `public/`. */
export const deployedPages: PageFiles = filesOfPage('console')
