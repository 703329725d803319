/**
 * Instances of the functions. The modules of `api/` and `lib/` are one instance, and read their
 * environment once. A query in their URLs loads all of them again for another instance.
 */
import { registerHooks } from 'node:module'
import { pathToFileURL } from 'node:url'

const QUERY = /\?instance=\d+$/
const OF_FUNCTIONS = /\/(?:api|lib)\/[^?]*\.ts$/

/** Only a reloaded world needs another instance. */
let isHooked = false

/** The URL to import a function from. */
export function urlOfInstance(file: string, instance: number): string {
  const { href } = pathToFileURL(file)
  if (instance === 1) return href
  if (!isHooked) hook()
  return `${href}?instance=${instance}`
}

/** A module of an instance imports the others of the same instance. */
function hook(): void {
  isHooked = true
  registerHooks({
    resolve: (specifier, context, next) => {
      const resolved = next(specifier, context)
      const [query] = QUERY.exec(context.parentURL ?? '') ?? []
      const isOurs =
        query !== undefined &&
        OF_FUNCTIONS.test(resolved.url) &&
        !resolved.url.includes('/node_modules/')
      return isOurs ? { ...resolved, url: `${resolved.url}${query}` } : resolved
    },
  })
}
