/**
 * Bundles a page of `dev/pages/` into one script and one style sheet. JSX is compiled as its
 * `tsconfig.json` says.
 */
import { resolve } from 'node:path'
import { readFile } from 'node:fs/promises'
import { rolldown, type Plugin } from 'rolldown'
import { PlainError } from '../program/plain-error.ts'

const root = resolve(import.meta.dirname, '../..')

export interface PageBundle {
  readonly script: string
  readonly style: string
}

/** @param entry the page's first file, such as `dev/pages/console/main.tsx` */
export async function bundlePage(entry: string): Promise<PageBundle> {
  const styles = new Map<string, string>()
  const build = await rolldown({
    input: entry,
    cwd: root,
    platform: 'browser',
    plugins: [collectStyles(styles)],
    onLog: (_, { message }) => {
      throw new PlainError(`${entry}: ${message}`)
    },
  })
  try {
    const { output } = await build.generate({
      format: 'iife',
      minify: true,
      codeSplitting: false,
    })
    const [chunk] = output
    return {
      script: chunk.code,
      style: chunk.moduleIds.flatMap((id) => styles.get(id) ?? []).join('\n'),
    }
  } finally {
    await build.close()
  }
}

/** Style sheets are not part of the script. They are joined in the order of their imports. */
const collectStyles = (styles: Map<string, string>): Plugin => ({
  name: 'styles',
  async load(id) {
    if (!id.endsWith('.css')) return null
    styles.set(id, await readFile(id, 'utf8'))
    return { code: 'export {}', moduleType: 'js', moduleSideEffects: 'no-treeshake' }
  },
})
