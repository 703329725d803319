import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import type { Answer, Problem } from './client.ts'

export type Loaded<T> =
  | { readonly state: 'loading' }
  | { readonly state: 'ready'; readonly value: T }
  | { readonly state: 'failed'; readonly problem: Problem }

/**
 * Loads an answer, and loads it again when `key` changes. An answer that a later request has
 * replaced is ignored. While the same key is loaded again, the earlier answer stays.
 */
export function useAnswer<T>(
  key: string,
  load: () => Promise<Answer<T>>,
): readonly [loaded: Loaded<T>, reload: () => void] {
  const [held, setHeld] = useState<{ readonly key: string; readonly loaded: Loaded<T> } | null>(
    null,
  )
  const latest = useRef(0)
  const loader = useRef(load)
  loader.current = load
  const reload = useCallback(() => {
    const turn = ++latest.current
    void loader.current().then((answer) => {
      if (turn !== latest.current) return
      setHeld({
        key,
        loaded: answer.ok
          ? { state: 'ready', value: answer.value }
          : { state: 'failed', problem: answer.problem },
      })
    })
  }, [key])
  useEffect(() => {
    reload()
    return () => void latest.current++
  }, [reload])
  const retry = useCallback(() => {
    setHeld((now) => (now?.loaded.state === 'failed' ? null : now))
    reload()
  }, [reload])
  return [held?.key === key ? held.loaded : { state: 'loading' }, retry]
}
