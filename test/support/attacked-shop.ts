/** A shop with one open order, and the check after each attack that it caused no bug. */
import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import { listenToLog, secretsIn } from '../steps/log-lines.ts'
import { ledgerOf, UNTOUCHED } from '../stores/ledger-rows.ts'
import type { Acknowledgement, Message } from './messages/message.ts'
import { REFUSED } from './messages/messages.ts'
import { openShop, textOf, type Shop } from './shop.ts'

/** One prepaid order of a new payer. */
export async function openOrder(shop: Shop): Promise<{ token: string; outTradeNo: string }> {
  const token = await shop.logIn()
  const outTradeNo = await shop.placeOrder(token)
  textOf(await shop.prepay(token, outTradeNo), 'paySign')
  return { token, outTradeNo }
}

export interface Target {
  readonly shop: Shop
  readonly outTradeNo: string
  notify(message: Message | string | Uint8Array): Promise<Acknowledgement>
  /** Sends a forgery, which must be refused without a change of the order. */
  expectRefused(
    forgery: Message | string | Uint8Array,
    acknowledgement?: Acknowledgement,
  ): Promise<void>
}

/** Opens the shop before the tests of a file. */
export function openAttackedShop(): () => Target {
  let target: Target
  let log: string[]
  const answers: string[] = []

  beforeAll(async () => {
    const shop = await openShop()
    const { outTradeNo } = await openOrder(shop)
    log = listenToLog()
    const notify: Target['notify'] = async (message) => {
      const { status, code, text } = await shop.notify(message)
      answers.push(text)
      return { status, code }
    }
    target = {
      shop,
      outTradeNo,
      notify,
      async expectRefused(forgery, acknowledgement = REFUSED) {
        expect(await notify(forgery)).toEqual(acknowledgement)
        expect(await ledgerOf(shop, outTradeNo)).toMatchObject(UNTOUCHED)
      },
    }
  })
  afterAll(() => target.shop.close())

  /** An attack must be refused without causing a bug, which would be logged under this name. */
  afterEach(() => {
    expect(log.filter((line) => line.includes('"bug"'))).toEqual([])
    expect(secretsIn(target.shop, [...log, ...answers].join('\n'))).toEqual([])
  })
  return () => target
}
