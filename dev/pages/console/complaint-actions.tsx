import { useState } from 'preact/hooks'
import { useTexts } from '../base/language.tsx'
import { readComplaint, type Complaint } from './answers.ts'
import { ActionForm } from './action-form.tsx'
import { useSession } from './session.tsx'

const texts = {
  title: ['Actions', '操作'],
  off: ['To act, switch on “Allow actions” at the top.', '请先打开页面顶部的“允许操作”。'],
  done: ['WeChat has accepted it.', '微信已受理。'],
  reply: ['Reply', '回复'],
  replyText: ['Reply to the payer', '回复付款人'],
  finish: ['Finish', '完结'],
  finishMeans: [
    'Tells WeChat that the complaint is settled with the payer.',
    '告诉微信：已与付款人协商解决。',
  ],
  approve: ['Approve the refund', '同意退款'],
  approveMeans: [
    'This promises the refund to the payer. To refund the money, open the order.',
    '这只是答应退款；实际退款请到订单页操作。',
  ],
  days: ['Working days until the refund begins', '多少个工作日内发起退款'],
  reject: ['Reject the refund', '拒绝退款'],
  why: ['Reason, shown to the payer', '拒绝原因，付款人可见'],
} as const

interface Props {
  readonly complaint: Complaint
  readonly reload: () => void
}

/** The actions on a complaint, if actions are switched on. */
export function ComplaintActions({ complaint, reload }: Props) {
  const say = useTexts(texts)
  const { client, mayAct } = useSession()
  const [content, setContent] = useState('')
  const [reason, setReason] = useState('')
  const [days, setDays] = useState('0')
  const [isDone, setDone] = useState(false)
  const { complaintId, state, applyRefundFee } = complaint
  const act = (action: object) => () =>
    client.send('POST', '/api/console/complaints', { complaintId, ...action }, readComplaint)
  const onDone = () => {
    setDone(true)
    setContent('')
    reload()
  }
  return (
    <section class="card" aria-labelledby="actions">
      <h2 id="actions">{say('title')}</h2>
      {isDone && (
        <p class="box good" role="status">
          {say('done')}
        </p>
      )}
      {!mayAct && <p class="quiet">{say('off')}</p>}
      {mayAct && state !== 'PROCESSED' && (
        <>
          <ActionForm
            tone="primary"
            submit={say('reply')}
            isReady={content.trim() !== ''}
            onDone={onDone}
            run={act({ action: 'reply', content: content.trim() })}
          >
            <label>
              {say('replyText')}
              <textarea
                rows={3}
                maxLength={200}
                value={content}
                onInput={(event) => setContent(event.currentTarget.value)}
              />
            </label>
          </ActionForm>
          {applyRefundFee !== undefined && (
            <>
              <details class="act">
                <summary>{say('approve')}</summary>
                <ActionForm
                  tone="primary"
                  submit={say('approve')}
                  isReady={/^(?:[0-9]|[12][0-9]|30)$/.test(days)}
                  onDone={onDone}
                  run={act({ action: 'refund', decision: 'approve', refundInDays: Number(days) })}
                >
                  <p class="quiet">{say('approveMeans')}</p>
                  <label>
                    {say('days')}
                    <input
                      inputMode="numeric"
                      value={days}
                      onInput={(event) => setDays(event.currentTarget.value)}
                    />
                  </label>
                </ActionForm>
              </details>
              <details class="act">
                <summary>{say('reject')}</summary>
                <ActionForm
                  tone="danger"
                  submit={say('reject')}
                  isReady={reason.trim() !== ''}
                  onDone={onDone}
                  run={act({ action: 'refund', decision: 'reject', reason: reason.trim() })}
                >
                  <label>
                    {say('why')}
                    <textarea
                      rows={2}
                      maxLength={200}
                      value={reason}
                      onInput={(event) => setReason(event.currentTarget.value)}
                    />
                  </label>
                </ActionForm>
              </details>
            </>
          )}
          <details class="act">
            <summary>{say('finish')}</summary>
            <ActionForm submit={say('finish')} onDone={onDone} run={act({ action: 'finish' })}>
              <p class="quiet">{say('finishMeans')}</p>
            </ActionForm>
          </details>
        </>
      )}
    </section>
  )
}
