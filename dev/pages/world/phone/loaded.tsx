/** The data of a screen: loading, failed with a button to try again, or loaded. */
import type { ComponentChildren } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { Problem, Result } from '../../../../miniprogram/pay.ts'
import { useTexts } from '../../base/language.tsx'
import { phoneTexts } from './texts.ts'
import { useProblem } from './use-problem.ts'

export interface Loading<T> {
  /** Null until the first answer. It stays while it is loaded again. */
  readonly value: T | null
  readonly problem: Problem | null
  readonly reload: () => void
}

/** @param keys loads again if one of them changes */
export function useLoaded<T>(load: () => Promise<Result<T>>, keys: readonly unknown[]): Loading<T> {
  const [value, setValue] = useState<T | null>(null)
  const [problem, setProblem] = useState<Problem | null>(null)
  const [turn, setTurn] = useState(0)
  useEffect(() => {
    let isCurrent = true
    void load().then((answer) => {
      if (!isCurrent) return
      setProblem(answer.ok ? null : answer.error)
      if (answer.ok) setValue(answer.value)
    })
    return () => {
      isCurrent = false
    }
  }, [...keys, turn])
  return { value, problem, reload: () => setTurn((before) => before + 1) }
}

interface LoadedProps<T> {
  readonly loading: Loading<T>
  readonly children: (value: T) => ComponentChildren
}

export function Loaded<T>({ loading: { value, problem, reload }, children }: LoadedProps<T>) {
  const say = useTexts(phoneTexts)
  const describe = useProblem()
  return (
    <>
      {problem !== null && (
        <div class="phone-problem" role="alert">
          <p>{describe(problem)}</p>
          <button type="button" onClick={reload}>
            {say('retry')}
          </button>
        </div>
      )}
      {value === null && problem === null && <p class="hint">{say('loading')}</p>}
      {value !== null && children(value)}
    </>
  )
}
