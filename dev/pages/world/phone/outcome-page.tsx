/** The outcome after the cashier: confirmed by the server, or not known yet. */
import { useState } from 'preact/hooks'
import { inYuan } from '../../../../miniprogram/money.ts'
import type { Outcome } from '../../../../miniprogram/pay.ts'
import { useTexts } from '../../base/language.tsx'
import type { ScreenProps } from './screen.ts'
import { phoneTexts } from './texts.ts'

interface OutcomeProps extends ScreenProps {
  readonly outcome: Extract<Outcome, { state: 'paid' | 'unknown' }>
}

export function OutcomePage({ client, open, showProblem, setNotice, outcome }: OutcomeProps) {
  const say = useTexts(phoneTexts)
  const [isBusy, setBusy] = useState(false)
  const outTradeNo = outcome.state === 'paid' ? outcome.order.outTradeNo : outcome.outTradeNo

  const askAgain = async () => {
    setBusy(true)
    const answer = await client.query(outTradeNo)
    setBusy(false)
    if (!answer.ok) return showProblem(answer.error)
    const { value: order } = answer
    if (order.tradeState === 'SUCCESS') open({ name: 'outcome', outcome: { state: 'paid', order } })
    else if (order.tradeState === 'NOTPAY') setNotice(say('stillUnpaid'))
    else open({ name: 'order', outTradeNo })
  }

  return (
    <div class="outcome">
      {outcome.state === 'paid' ? (
        <>
          <span class="check" aria-hidden="true">
            ✓
          </span>
          <h3>{say('success')}</h3>
          <p class="sheet-amount">{inYuan(outcome.order.totalFee)}</p>
          <p class="hint">{say('successFrom')}</p>
        </>
      ) : (
        <>
          <h3>{say('unknown')}</h3>
          <p class="hint">{say('unknownHint')}</p>
          <button
            type="button"
            class="wechat-button"
            disabled={isBusy}
            onClick={() => void askAgain()}
          >
            {say(isBusy ? 'waiting' : 'askAgain')}
          </button>
        </>
      )}
      <button type="button" onClick={() => open({ name: 'order', outTradeNo })}>
        {say('showOrder')}
      </button>
      <button type="button" class="quiet" onClick={() => open({ name: 'shop' })}>
        {say('backToShop')}
      </button>
    </div>
  )
}
