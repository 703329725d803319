/** Sends a stored notification of WeChat again, unchanged or changed. */
import { useState } from 'preact/hooks'
import * as v from 'valibot'
import { useTexts } from '../../base/language.tsx'
import { callWorld, type WorldAnswer } from '../call-world.ts'
import { WorldDialog } from '../world-dialog.tsx'
import { fieldsOf, isRefund, notificationsSchema, type Notification } from './notifications.ts'
import { switchTexts } from './texts.ts'

const attemptSchema = v.object({
  attempt: v.object({
    status: v.nullable(v.number()),
    answer: v.nullable(v.string()),
    problem: v.nullable(v.string()),
  }),
})
type Attempt = WorldAnswer<v.InferOutput<typeof attemptSchema>>

const signatures = ['right', 'kept', 'wrong', 'none'] as const

export function SendAgain() {
  const say = useTexts(switchTexts)
  const [list, setList] = useState<readonly Notification[] | null>(null)
  const [problem, setProblem] = useState<string | null>(null)
  const open = async () => {
    const answer = await callWorld('GET', '/wechat/control/notifications', notificationsSchema)
    setProblem(answer.ok ? null : (answer.reason ?? say('failed')))
    if (answer.ok) setList(answer.value.notifications)
  }
  return (
    <>
      <button type="button" onClick={() => void open()}>
        ↻ {say('sendAgain')}
      </button>
      {problem !== null && (
        <p class="refused" role="alert">
          {problem}
        </p>
      )}
      {list !== null && (
        <WorldDialog title={say('sendAgain')} closeLabel={say('close')} close={() => setList(null)}>
          {list.length === 0 ? <p>{say('noNotification')}</p> : <Form list={list} />}
        </WorldDialog>
      )}
    </>
  )
}

/** The number of a notification is its place in the list, and starts at 1. */
function Form({ list }: { readonly list: readonly Notification[] }) {
  const say = useTexts(switchTexts)
  const [number, setNumber] = useState(list.length)
  const [field, setField] = useState('')
  const [value, setValue] = useState('')
  const [signature, setSignature] = useState<string>('right')
  const [attempt, setAttempt] = useState<OutcomeProps | null>(null)
  const chosen = list[number - 1]
  const fields = chosen === undefined ? {} : fieldsOf(chosen)

  const choose = (name: string) => {
    setField(name)
    setValue(String(fields[name] ?? ''))
  }
  const send = async () => {
    const typed = typeof fields[field] === 'number' ? Number(value) : value
    const body = { number, signature, ...(field === '' ? {} : { fields: { [field]: typed } }) }
    const answer = await callWorld('POST', '/wechat/control/notifications', attemptSchema, body)
    const isChanged = field !== '' && value !== String(fields[field])
    const holds = signature === 'right' || (signature === 'kept' && !isChanged)
    setAttempt({ answer, holds })
  }
  return (
    <form
      class="send-again"
      onSubmit={(event) => {
        event.preventDefault()
        void send()
      }}
    >
      <p class="hint">{say('sendHint')}</p>
      <label for="again-notification">{say('notification')}</label>
      <select
        id="again-notification"
        onChange={({ currentTarget }) => {
          setNumber(Number(currentTarget.value))
          setField('')
        }}
      >
        {list
          .map((notification, index) => (
            <option key={index} value={index + 1} selected={index + 1 === number}>
              {index + 1} · {say(isRefund(notification) ? 'refund' : 'payment')} ·{' '}
              {notification.outTradeNo}
            </option>
          ))
          .toReversed()}
      </select>
      <label for="again-field">{say('field')}</label>
      <select id="again-field" onChange={({ currentTarget }) => choose(currentTarget.value)}>
        <option value="" selected={field === ''}>
          {say('nothing')}
        </option>
        {Object.keys(fields).map((name) => (
          <option key={name} value={name} selected={field === name}>
            {name}
          </option>
        ))}
      </select>
      {field !== '' && (
        <>
          <label for="again-value">{say('value')}</label>
          <input
            id="again-value"
            value={value}
            onInput={({ currentTarget }) => setValue(currentTarget.value)}
          />
        </>
      )}
      <label for="again-signature">{say('signature')}</label>
      <select
        id="again-signature"
        onChange={({ currentTarget }) => setSignature(currentTarget.value)}
      >
        {signatures.map((name) => (
          <option key={name} value={name} selected={signature === name}>
            {say(name)}
          </option>
        ))}
      </select>
      <button type="submit" class="primary">
        {say('send')}
      </button>
      <div role="status">{attempt !== null && <Outcome {...attempt} />}</div>
    </form>
  )
}

interface OutcomeProps {
  readonly answer: Attempt
  /** Whether the signature covers what was sent. */
  readonly holds: boolean
}

function Outcome({ answer, holds }: OutcomeProps) {
  const say = useTexts(switchTexts)
  if (!answer.ok) return <p>{answer.reason ?? say('failed')}</p>
  const { status, answer: text, problem } = answer.value.attempt
  if (status === null) return <p>{say('problem', { problem: problem ?? '' })}</p>
  const reason = problem === null ? 'taken' : holds ? 'refusedContent' : 'refusedSignature'
  return (
    <>
      <p class={problem === null ? 'good' : 'bad'}>{say(reason)}</p>
      <p>
        <code>{say('sent', { status, answer: text ?? '' })}</code>
      </p>
    </>
  )
}
