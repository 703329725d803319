import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { useTexts } from '../base/language.tsx'
import { isUnknownOutcome, type Answer, type Problem } from './client.ts'
import { ProblemNotice } from './problem-notice.tsx'

const texts = {
  busy: ['Please wait …', '请稍候……'],
  unknown: [
    'It is not known whether this took effect. Submit it again unchanged: it takes effect only once.',
    '尚不确定是否已生效。请原样再提交一次，不会重复执行。',
  ],
} as const

interface Props {
  /** The text of the button. */
  readonly submit: string
  readonly run: () => Promise<Answer<unknown>>
  readonly onDone: () => void
  /** Whether the fields are complete. Default: true. */
  readonly isReady?: boolean
  /** Default: plain. */
  readonly tone?: 'primary' | 'danger'
  /** Called when the outcome is unknown, so that the fields can be kept as they are. */
  readonly onUnknown?: () => void
  readonly children?: ComponentChildren
}

/** The fields of one action, its button, and its outcome. */
export function ActionForm(props: Props) {
  const { submit, run, onDone, onUnknown, isReady = true, tone, children } = props
  const say = useTexts(texts)
  const [isBusy, setBusy] = useState(false)
  const [problem, setProblem] = useState<Problem | null>(null)
  const act = async () => {
    setBusy(true)
    setProblem(null)
    const answer = await run()
    setBusy(false)
    if (answer.ok) return onDone()
    setProblem(answer.problem)
    if (isUnknownOutcome(answer.problem)) onUnknown?.()
  }
  return (
    <form
      class="action"
      autocomplete="off"
      onSubmit={(event) => {
        event.preventDefault()
        void act()
      }}
    >
      {children}
      {problem !== null && <ProblemNotice problem={problem} />}
      {problem !== null && isUnknownOutcome(problem) && <p class="box warn">{say('unknown')}</p>}
      <button type="submit" class={tone ?? ''} disabled={isBusy || !isReady}>
        {isBusy ? say('busy') : submit}
      </button>
    </form>
  )
}
