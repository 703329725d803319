/** The screens of WeChat over the shop: the cashier, and the component that confirms a receipt. */
import { useLayoutEffect, useRef } from 'preact/hooks'
import { inYuan } from '../../../../miniprogram/money.ts'
import { useTexts } from '../../base/language.tsx'
import type { PrepaidOrder } from './simulator.ts'
import { phoneTexts } from './texts.ts'

export type Sheet =
  | { readonly kind: 'cashier'; readonly order: PrepaidOrder; readonly answer: Answer }
  | { readonly kind: 'receipt'; readonly answer: Answer }

/** True: the payer pays, or has the goods. */
type Answer = (agrees: boolean) => void

export function WechatSheet({ sheet }: { readonly sheet: Sheet }) {
  const say = useTexts(phoneTexts)
  const element = useRef<HTMLDivElement>(null)
  useLayoutEffect(() => element.current?.focus(), [])
  const { answer } = sheet
  const title = say(sheet.kind === 'cashier' ? 'wechatPay' : 'receiptTitle')
  return (
    <div class="sheet-ground">
      <div
        ref={element}
        class="sheet"
        role="dialog"
        aria-label={title}
        tabIndex={-1}
        onKeyDown={(event) => {
          if (event.key === 'Escape') answer(false)
        }}
      >
        <div class="sheet-title">
          <button
            type="button"
            class="quiet"
            aria-label={say('cancel')}
            onClick={() => answer(false)}
          >
            ✕
          </button>
          <span>{title}</span>
        </div>
        {sheet.kind === 'cashier' ? (
          <>
            <p class="sheet-merchant">{say('payTo', { merchant: say('shopName') })}</p>
            <p class="sheet-amount">{inYuan(sheet.order.totalFee)}</p>
            <dl class="rows">
              <div>
                <dt>{sheet.order.body}</dt>
                <dd>{inYuan(sheet.order.totalFee)}</dd>
              </div>
              <div>
                <dt>{say('method')}</dt>
                <dd>{say('balance')}</dd>
              </div>
            </dl>
          </>
        ) : (
          <p class="sheet-merchant">{say('receiptHint')}</p>
        )}
        <button type="button" class="wechat-button" onClick={() => answer(true)}>
          {say(sheet.kind === 'cashier' ? 'payNow' : 'received')}
        </button>
        <button type="button" class="quiet" onClick={() => answer(false)}>
          {say(sheet.kind === 'cashier' ? 'cancel' : 'notYet')}
        </button>
        {sheet.kind === 'cashier' && <p class="hint">{say('noMoney')}</p>}
      </div>
    </div>
  )
}
