/** The device of a payer: a shop on `miniprogram/pay.ts`, and WeChat's own screens over it. */
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks'
import type { Outcome, Problem } from '../../../../miniprogram/pay.ts'
import { useTexts } from '../../base/language.tsx'
import { WechatSheet, type Sheet } from './cashier.tsx'
import { createClient } from './client.ts'
import { OrderList } from './order-list.tsx'
import { OrderPage } from './order-page.tsx'
import { OutcomePage } from './outcome-page.tsx'
import { ProductList } from './product-list.tsx'
import type { Screen } from './screen.ts'
import { phoneTexts } from './texts.ts'
import { useProblem } from './use-problem.ts'
import './phone.css'

interface PhoneProps {
  /** Changes after an event that the open screen may show. */
  readonly revision: number
  /** Called with the number of each order that is shown. */
  readonly onOrder: (outTradeNo: string) => void
  /** A real WeChat has no login code and no cashier for this page. */
  readonly isWechatReal: boolean
}

export function Phone({ revision, onOrder, isWechatReal }: PhoneProps) {
  const say = useTexts(phoneTexts)
  const describe = useProblem()
  const [sheet, setSheet] = useState<Sheet | null>(null)
  const [screen, setScreen] = useState<Screen>({ name: 'shop' })
  const [notice, setNotice] = useState('')
  const heading = useRef<HTMLHeadingElement>(null)
  const isFirst = useRef(true)
  const client = useMemo(() => createClient(setSheet), [])

  const showProblem = (problem: Problem) => setNotice(describe(problem))
  const open = (next: Screen) => {
    setNotice('')
    setScreen(next)
    if (next.name === 'order') onOrder(next.outTradeNo)
    if (next.name === 'outcome') onOrder(orderOf(next.outcome))
  }
  const showOutcome = (outcome: Outcome) => {
    if (outcome.state === 'paid' || outcome.state === 'unknown') open({ name: 'outcome', outcome })
    else if (outcome.state === 'failed') showProblem(outcome.problem)
    else setNotice(say(outcome.state))
  }

  // Payments whose outcome was unknown when the page was closed.
  useEffect(() => {
    void client.resume().then((resumed) => {
      const paid = resumed.find((outcome) => outcome.state === 'paid')
      if (paid?.state === 'paid') setNotice(say('recovered', { number: paid.order.outTradeNo }))
    })
  }, [client])

  // The button that opened a screen or a sheet may be gone, and the focus with it.
  useLayoutEffect(() => {
    if (!isFirst.current && sheet === null) heading.current?.focus()
    isFirst.current = false
  }, [screen, sheet])

  const parts = { client, open, showOutcome, showProblem, setNotice, revision }
  const isTab = screen.name === 'shop' || screen.name === 'orders'
  return (
    <section class="phone" aria-label={say('device')}>
      <div class="phone-app" inert={sheet !== null}>
        <header class="phone-bar">
          {isTab ? (
            <span class="bar-side" />
          ) : (
            <button
              type="button"
              class="quiet bar-side"
              aria-label={say('back')}
              onClick={() => open({ name: screen.name === 'outcome' ? 'shop' : 'orders' })}
            >
              ‹
            </button>
          )}
          <h2 ref={heading} tabIndex={-1}>
            {say(titles[screen.name])}
          </h2>
          <span class="capsule" aria-hidden="true">
            ••• ◎
          </span>
        </header>
        <p class="phone-notice" role="status">
          {isWechatReal ? say('realWechat') : notice}
        </p>
        <div class="phone-screen">
          {screen.name === 'shop' && <ProductList {...parts} />}
          {screen.name === 'orders' && <OrderList {...parts} />}
          {screen.name === 'order' && <OrderPage {...parts} outTradeNo={screen.outTradeNo} />}
          {screen.name === 'outcome' && <OutcomePage {...parts} outcome={screen.outcome} />}
        </div>
        <nav class="phone-tabs" aria-label={say('shopName')}>
          {(['shop', 'orders'] as const).map((name) => (
            <button
              key={name}
              type="button"
              class="quiet"
              aria-current={screen.name === name ? 'page' : undefined}
              onClick={() => open({ name })}
            >
              {say(name)}
            </button>
          ))}
        </nav>
      </div>
      {sheet !== null && <WechatSheet sheet={sheet} />}
    </section>
  )
}

const orderOf = (outcome: Extract<Screen, { name: 'outcome' }>['outcome']): string =>
  outcome.state === 'paid' ? outcome.order.outTradeNo : outcome.outTradeNo

const titles = {
  shop: 'shopName',
  orders: 'orders',
  order: 'order',
  outcome: 'wechatPay',
} as const
