import { useState } from 'preact/hooks'
import { useTexts } from '../base/language.tsx'
import { readRefund } from './answers.ts'
import { ActionForm } from './action-form.tsx'
import { parseYuan, toYuan } from './money.ts'
import { useSession } from './session.tsx'

const texts = {
  left: ['{left} can be refunded.', '可退 {left}。'],
  amount: ['Amount in yuan', '退款金额（元）'],
  again: ['The same amount again', '再次输入金额'],
  why: ['Reason, shown to the payer (optional)', '退款原因，付款人可见（选填）'],
  differs: ['The two amounts differ.', '两次输入的金额不一致。'],
  tooMuch: ['The amount is more than {left}.', '超过可退金额 {left}。'],
  refund: ['Refund {amount}', '退款 {amount}'],
  button: ['Refund', '退款'],
} as const

interface Props {
  readonly outTradeNo: string
  /** The amount that is not refunded yet, in fen. */
  readonly left: number
  readonly onDone: () => void
}

/** The number of the refund. Two requests with the same number refund once. */
const newNumber = (): string => `console-${crypto.randomUUID()}`

/**
 * After an attempt whose outcome is unknown, the fields cannot be changed. The same refund can be
 * sent again, under the same number.
 */
export function RefundForm({ outTradeNo, left, onDone }: Props) {
  const say = useTexts(texts)
  const { client } = useSession()
  const [amount, setAmount] = useState('')
  const [again, setAgain] = useState('')
  const [why, setWhy] = useState('')
  const [outRefundNo, setNumber] = useState(newNumber)
  const [isFixed, setFixed] = useState(false)
  const fen = parseYuan(amount)
  const differs = again !== '' && parseYuan(again) !== fen
  const isTooMuch = fen !== null && fen > left
  const change = (set: (text: string) => void) => (event: { currentTarget: { value: string } }) => {
    set(event.currentTarget.value)
    setNumber(newNumber())
  }
  return (
    <ActionForm
      tone="danger"
      submit={fen === null ? say('button') : say('refund', { amount: toYuan(fen) })}
      isReady={fen !== null && parseYuan(again) === fen && !isTooMuch}
      onDone={onDone}
      onUnknown={() => setFixed(true)}
      run={() =>
        client.send(
          'POST',
          '/api/refund',
          {
            outTradeNo,
            outRefundNo,
            refundFee: fen,
            ...(why.trim() === '' ? {} : { refundDesc: why.trim() }),
          },
          readRefund,
        )
      }
    >
      <p class="quiet">{say('left', { left: toYuan(left) })}</p>
      <label>
        {say('amount')}
        <input inputMode="decimal" value={amount} disabled={isFixed} onInput={change(setAmount)} />
      </label>
      <label>
        {say('again')}
        <input
          inputMode="decimal"
          value={again}
          disabled={isFixed}
          onInput={change(setAgain)}
          onPaste={(event) => event.preventDefault()}
        />
      </label>
      {differs && (
        <p class="fault" role="status">
          {say('differs')}
        </p>
      )}
      {isTooMuch && (
        <p class="fault" role="status">
          {say('tooMuch', { left: toYuan(left) })}
        </p>
      )}
      <label>
        {say('why')}
        <input maxLength={80} value={why} disabled={isFixed} onInput={change(setWhy)} />
      </label>
    </ActionForm>
  )
}
