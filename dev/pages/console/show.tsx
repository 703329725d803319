import type { ComponentChildren } from 'preact'
import { useTexts } from '../base/language.tsx'
import { ProblemNotice } from './problem-notice.tsx'
import type { Loaded } from './use-answer.ts'

const texts = { loading: ['Loading …', '正在加载……'] } as const

interface Props<T> {
  readonly loaded: Loaded<T>
  readonly retry: () => void
  readonly children: (value: T) => ComponentChildren
}

/** Shows an answer. Until then it shows that the answer is loading, or why loading failed. */
export function Show<T>({ loaded, retry, children }: Props<T>) {
  const say = useTexts(texts)
  if (loaded.state === 'failed') return <ProblemNotice problem={loaded.problem} retry={retry} />
  if (loaded.state === 'ready') return <>{children(loaded.value)}</>
  return (
    <p class="loading" role="status">
      {say('loading')}
    </p>
  )
}
