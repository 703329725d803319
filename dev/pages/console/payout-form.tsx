import { useState } from 'preact/hooks'
import { useTexts } from '../base/language.tsx'
import { readRefund, type Entry } from './answers.ts'
import { ActionForm } from './action-form.tsx'
import { Choice } from './choice.tsx'
import { parseYuan, toYuan } from './money.ts'
import { useSession } from './session.tsx'

const texts = {
  means: [
    'The payer’s card does not accept refund {outRefundNo}. WeChat can pay it to another account. Card number and name are encrypted for WeChat, and are not stored.',
    '付款人的银行卡无法接收退款 {outRefundNo}，微信可以改退到其他账户。卡号和姓名只加密发给微信，不会保存。',
  ],
  type: ['Where the money goes', '退到'],
  user: ['Debit card of the payer', '付款人的借记卡'],
  merchant: ['Your own bank account', '商户自己的银行账户'],
  merchantMeans: ['You then pay the payer yourself.', '之后由您自行把钱付给付款人。'],
  bank: ['WeChat’s code for the bank, such as CMB_DEBIT', '银行编码（微信的编码，如 CMB_DEBIT）'],
  account: ['Card number', '卡号'],
  name: ['Name of the card’s holder', '持卡人姓名'],
  confirm: ['Type {amount} to confirm', '输入 {amount} 以确认'],
  differs: ['The refund is {amount}.', '该笔退款为 {amount}。'],
  pay: ['Pay out {amount}', '退到该账户 {amount}'],
} as const

/** The banks that WeChat names. It may accept others. */
const BANKS = 'CMB COMM ABC CCB ICBC BOC PAB SPDB CITIC CEB CMBC CIB GDB PSBC NBCB'.split(' ')

/** A refund whose receiving account must be changed, with the terms of its request. */
export interface ChangedRefund {
  readonly outRefundNo: string
  readonly refundFee: number
  readonly refundDesc?: string | undefined
}

/** The refunds of an order that wait for another account. */
export function findChanged(timeline: readonly Entry[]): readonly ChangedRefund[] {
  const changed = new Set(
    timeline
      .filter(({ kind, facts }) => kind === 'refund_changed' && facts['refundStatus'] === 'CHANGE')
      .map(({ facts }) => facts['outRefundNo']),
  )
  return timeline.flatMap(({ kind, facts: { outRefundNo, refundFee, refundDesc } }) =>
    kind === 'refund_requested' &&
    typeof outRefundNo === 'string' &&
    typeof refundFee === 'number' &&
    changed.has(outRefundNo)
      ? [{ outRefundNo, refundFee, ...(typeof refundDesc === 'string' ? { refundDesc } : {}) }]
      : [],
  )
}

interface Props {
  readonly outTradeNo: string
  readonly refund: ChangedRefund
  readonly onDone: () => void
}

/** Pays a refund to another account. The request repeats the terms of the refund. */
export function PayoutForm({ outTradeNo, refund, onDone }: Props) {
  const say = useTexts(texts)
  const { client } = useSession()
  const [type, setType] = useState('user_bank_card')
  const [bank, setBank] = useState('')
  const [account, setAccount] = useState('')
  const [name, setName] = useState('')
  const [confirmed, setConfirmed] = useState('')
  const [isFixed, setFixed] = useState(false)
  const isCard = type === 'user_bank_card'
  const bankType = bank.trim().toUpperCase()
  const bankAccount = account.replaceAll(/[\s-]/g, '')
  const realName = name.trim()
  const isComplete =
    !isCard ||
    (/^[0-9A-Z_]{1,16}$/.test(bankType) && /^\d{8,32}$/.test(bankAccount) && realName !== '')
  const amount = toYuan(refund.refundFee)
  const isConfirmed = parseYuan(confirmed) === refund.refundFee
  const run = () => {
    const payout = isCard ? { type, bankType, bankAccount, realName } : { type }
    return client.send('POST', '/api/refund', { outTradeNo, ...refund, payout }, readRefund)
  }
  return (
    <ActionForm
      tone="danger"
      submit={say('pay', { amount })}
      isReady={isComplete && isConfirmed}
      onDone={onDone}
      onUnknown={() => setFixed(true)}
      run={run}
    >
      <p class="quiet">{say('means', { outRefundNo: refund.outRefundNo })}</p>
      <fieldset disabled={isFixed}>
        <Choice
          label={say('type')}
          value={type}
          onChoose={setType}
          options={[
            ['user_bank_card', say('user')],
            ['merchant_bank_card', say('merchant')],
          ]}
        />
        {!isCard && <p class="quiet">{say('merchantMeans')}</p>}
        {isCard && (
          <>
            <label>
              {say('bank')}
              <input
                list="banks"
                maxLength={16}
                value={bank}
                onInput={(event) => setBank(event.currentTarget.value)}
              />
            </label>
            <datalist id="banks">
              {BANKS.map((one) => (
                <option key={one} value={`${one}_DEBIT`} />
              ))}
            </datalist>
            <label>
              {say('account')}
              <input
                inputMode="numeric"
                maxLength={48}
                value={account}
                onInput={(event) => setAccount(event.currentTarget.value)}
              />
            </label>
            <label>
              {say('name')}
              <input
                maxLength={64}
                value={name}
                onInput={(event) => setName(event.currentTarget.value)}
              />
            </label>
          </>
        )}
        <label>
          {say('confirm', { amount })}
          <input
            inputMode="decimal"
            value={confirmed}
            onInput={(event) => setConfirmed(event.currentTarget.value)}
          />
        </label>
      </fieldset>
      {confirmed !== '' && !isConfirmed && (
        <p class="fault" role="status">
          {say('differs', { amount })}
        </p>
      )}
    </ActionForm>
  )
}
