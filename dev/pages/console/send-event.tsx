import { useTexts } from '../base/language.tsx'
import { readEvent } from './answers.ts'
import { ActionForm } from './action-form.tsx'
import { useSession } from './session.tsx'

const texts = { send: ['Send again', '重新发送'] } as const

interface Props {
  readonly id: string
  readonly onDone: () => void
}

/** Sends an event again, under the same id. */
export function SendEvent({ id, onDone }: Props) {
  const say = useTexts(texts)
  const { client, mayAct } = useSession()
  if (!mayAct) return null
  return (
    <ActionForm
      submit={say('send')}
      onDone={onDone}
      run={() => client.send('POST', '/api/console/events', { id }, readEvent)}
    />
  )
}
