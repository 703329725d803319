/** The invariants of payments, checked after every message. */
import { useEffect, useState } from 'preact/hooks'
import * as v from 'valibot'
import { useTexts } from '../../base/language.tsx'
import { callWorld, type WorldAnswer } from '../call-world.ts'
import { WorldDialog } from '../world-dialog.tsx'
import { invariantTexts } from './texts.ts'

const invariantsSchema = v.object({
  invariants: v.array(
    v.object({ number: v.number(), name: v.string(), holds: v.boolean(), detail: v.string() }),
  ),
})
type Checked = v.InferOutput<typeof invariantsSchema>
type Invariant = Checked['invariants'][number]

/** A check waits for this time without messages, so that a burst is checked once. */
const QUIET_MS = 500

/**
 * One line with a mark for each invariant. A click opens them in words.
 *
 * @param revision changes with every message
 */
export function InvariantRow({ revision }: { readonly revision: string }) {
  const say = useTexts(invariantTexts)
  const [answer, setAnswer] = useState<WorldAnswer<Checked> | null>(null)
  const [isOpen, setOpen] = useState(false)
  useEffect(() => {
    const timer = setTimeout(
      () => void callWorld('GET', '/world/invariants', invariantsSchema).then(setAnswer),
      QUIET_MS,
    )
    return () => clearTimeout(timer)
  }, [revision])

  if (answer?.ok === false)
    return <p class="invariants refused">{say('unknown', { reason: answer.reason ?? '…' })}</p>
  const invariants = answer?.value.invariants ?? []
  const broken = invariants.filter(({ holds }) => !holds)
  const nameOf = ({ number, name }: Invariant) => {
    const key = `n${number}`
    return isKnown(key) ? say(key) : name
  }
  const count = broken.length
  return (
    <section class="invariants" aria-label={say('title')}>
      <span role="status" class="visually-hidden">
        {answer === null ? say('checking') : say(count === 0 ? 'hold' : 'broken', { count })}
      </span>
      <button
        type="button"
        class={count === 0 ? 'summary' : 'summary bad'}
        aria-haspopup="dialog"
        disabled={answer === null}
        onClick={() => setOpen(true)}
      >
        <span class="marks" aria-hidden="true">
          {invariants.map((invariant) => (
            <Mark key={invariant.number} {...invariant} />
          ))}
        </span>{' '}
        {answer === null && say('checking')}
        {answer !== null && count === 0 && say('allHold', { count: invariants.length })}
        {count > 0 && `${say('broken', { count })}: ${broken.map(nameOf).join(', ')}`}
      </button>
      {isOpen && (
        <WorldDialog title={say('title')} closeLabel={say('close')} close={() => setOpen(false)}>
          <ul class="invariant-list">
            {invariants.map((invariant) => (
              <li key={invariant.number}>
                <Mark {...invariant} />
                <b>{nameOf(invariant)}</b>
                <span class="visually-hidden">: {say(invariant.holds ? 'holds' : 'isBroken')}</span>
                <span class="hint">
                  {invariant.name}: {invariant.detail}
                </span>
              </li>
            ))}
          </ul>
        </WorldDialog>
      )}
    </section>
  )
}

const Mark = ({ holds }: Pick<Invariant, 'holds'>) => (
  <span class={holds ? 'good' : 'bad'} aria-hidden="true">
    {holds ? '●' : '▲'}
  </span>
)

const isKnown = (key: string): key is keyof typeof invariantTexts =>
  Object.hasOwn(invariantTexts, key)
