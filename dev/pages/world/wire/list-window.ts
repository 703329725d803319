/** The rows of a long list that are visible, so that the document holds only these. */
import type { RefObject } from 'preact'
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'

export interface ListWindow {
  readonly ref: RefObject<HTMLDivElement | null>
  readonly first: number
  /** After the last visible row. */
  readonly end: number
  /** Whether the list stays at its end while rows are added. */
  readonly follows: boolean
  follow(): void
  /** Scrolls just far enough to show a row. */
  reveal(index: number): void
}

/** Rows above and below the visible ones, for scrolling without gaps. */
const SPARE_ROWS = 8

export function useListWindow(count: number, rowHeight: number): ListWindow {
  const ref = useRef<HTMLDivElement>(null)
  const [view, setView] = useState({ top: 0, height: 0 })
  const [follows, setFollows] = useState(true)

  useEffect(() => {
    const element = ref.current
    if (element === null) return undefined
    const read = () => {
      const { scrollTop, clientHeight, scrollHeight } = element
      setView({ top: scrollTop, height: clientHeight })
      setFollows(scrollTop + clientHeight >= scrollHeight - rowHeight)
    }
    const observer = new ResizeObserver(() =>
      setView({ top: element.scrollTop, height: element.clientHeight }),
    )
    observer.observe(element)
    element.addEventListener('scroll', read, { passive: true })
    return () => {
      observer.disconnect()
      element.removeEventListener('scroll', read)
    }
  }, [rowHeight])

  useLayoutEffect(() => {
    if (follows) ref.current?.scrollTo({ top: count * rowHeight })
  }, [count, follows, view.height, rowHeight])

  return {
    ref,
    first: Math.max(0, Math.floor(view.top / rowHeight) - SPARE_ROWS),
    end: Math.min(count, Math.ceil((view.top + view.height) / rowHeight) + SPARE_ROWS),
    follows,
    follow: () => setFollows(true),
    reveal: (index) => {
      const element = ref.current
      if (element === null) return
      const [from, to] = [index * rowHeight, (index + 1) * rowHeight]
      if (from < element.scrollTop) element.scrollTo({ top: from })
      else if (to > element.scrollTop + element.clientHeight)
        element.scrollTo({ top: to - element.clientHeight })
    },
  }
}
