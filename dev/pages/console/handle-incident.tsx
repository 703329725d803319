import { useState } from 'preact/hooks'
import { useTexts } from '../base/language.tsx'
import { readIncident } from './answers.ts'
import { ActionForm } from './action-form.tsx'
import { useSession } from './session.tsx'

const texts = {
  handle: ['Mark as handled', '标记为已处理'],
  note: ['What was done', '处理说明'],
} as const

interface Props {
  readonly id: number
  readonly onDone: () => void
}

/** Marks an incident as handled. It is kept, with the note. */
export function HandleIncident({ id, onDone }: Props) {
  const say = useTexts(texts)
  const { client, mayAct } = useSession()
  const [note, setNote] = useState('')
  if (!mayAct) return null
  return (
    <details class="act">
      <summary>{say('handle')}</summary>
      <ActionForm
        tone="primary"
        submit={say('handle')}
        isReady={note.trim() !== ''}
        onDone={onDone}
        run={() =>
          client.send('POST', '/api/console/incidents', { id, note: note.trim() }, readIncident)
        }
      >
        <label>
          {say('note')}
          <textarea
            rows={2}
            maxLength={500}
            value={note}
            onInput={(event) => setNote(event.currentTarget.value)}
          />
        </label>
      </ActionForm>
    </details>
  )
}
