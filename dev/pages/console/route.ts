/**
 * The view is named in the fragment of the URL, so that the browser's back button works. The
 * fragment is never sent to a server. It contains neither the key nor a search text.
 */
import { useLayoutEffect, useState } from 'preact/hooks'

export const VIEWS = [
  'overview',
  'orders',
  'shipments',
  'complaints',
  'incidents',
  'events',
  'bills',
  'catalogue',
] as const
export type View = (typeof VIEWS)[number] | 'search' | 'order' | 'complaint'

export interface Route {
  readonly view: View
  /** An order number, the number of a complaint, or a filter; empty for none. */
  readonly id: string
}

const ALL: readonly View[] = [...VIEWS, 'search', 'order', 'complaint']

function readRoute(): Route {
  const [name = '', id = ''] = location.hash.slice(1).split('/')
  const view = ALL.find((one) => one === name) ?? 'overview'
  try {
    return { view, id: decodeURIComponent(id) }
  } catch {
    return { view, id: '' }
  }
}

export const hrefOf = (view: View, id = ''): string =>
  `#${view}${id === '' ? '' : `/${encodeURIComponent(id)}`}`

export const goTo = (view: View, id = ''): void => void (location.hash = hrefOf(view, id))

export function useRoute(): Route {
  const [route, setRoute] = useState(readRoute)
  // An ordinary effect begins after the view is painted, so a change just then would be missed.
  useLayoutEffect(() => {
    const follow = () => setRoute(readRoute())
    addEventListener('hashchange', follow)
    return () => removeEventListener('hashchange', follow)
  }, [])
  return route
}
