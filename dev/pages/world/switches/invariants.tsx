/** The invariants of payments, checked after every message. */
import { useEffect, useState } from 'preact/hooks'
import * as v from 'valibot'
import { useTexts } from '../../base/language.tsx'
import { callWorld, type WorldAnswer } from '../call-world.ts'
import { invariantTexts } from './texts.ts'

const invariantsSchema = v.object({
  invariants: v.array(
    v.object({ number: v.number(), name: v.string(), holds: v.boolean(), detail: v.string() }),
  ),
})
type Checked = v.InferOutput<typeof invariantsSchema>

/** A check waits for this time without messages, so that a burst is checked once. */
const QUIET_MS = 500

/** @param revision changes with every message */
export function InvariantRow({ revision }: { readonly revision: string }) {
  const say = useTexts(invariantTexts)
  const [answer, setAnswer] = useState<WorldAnswer<Checked> | null>(null)
  const [opened, setOpened] = useState<number | null>(null)
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
  const broken = invariants.filter(({ holds }) => !holds).length
  const shortNameOf = (number: number) => {
    const key = `n${number}`
    return isKnown(key) ? say(key) : null
  }
  const shown = invariants.find(({ number }) => number === opened)
  return (
    <section class="invariants" aria-label={say('title')}>
      <span role="status" class="visually-hidden">
        {answer === null
          ? say('checking')
          : say(broken === 0 ? 'hold' : 'broken', { count: broken })}
      </span>
      <ul>
        {invariants.map(({ number, name, holds }) => (
          <li key={number}>
            <button
              type="button"
              class={holds ? 'invariant good' : 'invariant bad'}
              aria-expanded={opened === number}
              onClick={() => setOpened(opened === number ? null : number)}
            >
              <span aria-hidden="true">{holds ? '●' : '▲'} </span>
              {shortNameOf(number) ?? name}
              <span class="visually-hidden">: {say(holds ? 'holds' : 'isBroken')}</span>
            </button>
          </li>
        ))}
      </ul>
      {shown !== undefined && (
        <p class="hint">
          {shown.number}. {shown.name}: {shown.detail}
        </p>
      )}
    </section>
  )
}

const isKnown = (key: string): key is keyof typeof invariantTexts =>
  Object.hasOwn(invariantTexts, key)
