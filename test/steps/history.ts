/**
 * Plays one random history against a shop, and records every forbidden answer and every leaked
 * secret.
 */
import type { Fault } from '../../dev/wechat/faults.ts'
import { createTokens } from '../../lib/tokens.ts'
import { parseOpenid } from '../../lib/core/ids.ts'
import { refuses, accepts, type Receiver } from '../webhook/receiver.ts'
import { redis } from '../stores/redis-command.ts'
import { must } from '../support/must.ts'
import { toPayment, type Answer, type CallOptions, type Shop } from '../support/shop.ts'
import { secretsIn } from './log-lines.ts'

type Service = 'database' | 'redis' | 'wechat' | 'merchant'

export type Action =
  | { readonly do: 'order' | 'order and prepay' | 'order, prepay and pay'; readonly user: number }
  | {
      readonly do: 'prepay' | 'pay' | 'query' | 'close'
      readonly user: number
      readonly which: number
    }
  | { readonly do: 'deliver notifications'; readonly notification: string }
  | { readonly do: 'cron' }
  | { readonly do: Service; readonly is: string; readonly lasting: number }
  | { readonly do: 'time passes'; readonly minutes: number }
  | { readonly do: 'together'; readonly actions: readonly Action[] }

interface KnownOrder {
  readonly outTradeNo: string
  /** The latest arguments of wx.requestPayment. */
  payment: ReturnType<typeof toPayment> | null
}

const USERS = ['oDemo000000000000000000User1', 'oDemo000000000000000000User2'] as const
const WECHAT_PATHS = ['unifiedorder', 'orderquery', 'closeorder'] as const
/** The answers that the contract allows while faults are active; any other is recorded. */
const ALLOWED = new Set([
  '200 ',
  '201 ',
  '409 order_paid',
  '409 order_closed',
  '409 notice_contradicts',
  '502 wechat_untrusted',
  '503 wechat_unknown',
  '503 unavailable',
])

export class History {
  readonly surprises: string[] = []
  readonly #shop: Shop
  readonly #merchant: Receiver
  /** For how many more steps each active fault lasts. */
  readonly #faults = new Map<Service, number>()
  readonly #orders: readonly [KnownOrder[], KnownOrder[]] = [[], []]

  constructor(shop: Shop, merchant: Receiver) {
    this.#shop = shop
    this.#merchant = merchant
  }

  async play(actions: readonly Action[]): Promise<void> {
    for (const action of actions) {
      await this.#do(action)
      await this.#shop.world.settled()
      for (const [service, left] of this.#faults) {
        this.#faults.set(service, left - 1)
        if (left <= 0) await this.#set(service, 'up')
      }
    }
  }

  async endFaults(): Promise<void> {
    for (const service of ['database', 'redis', 'wechat', 'merchant'] as const)
      await this.#set(service, 'up')
  }

  async #do(action: Action): Promise<void> {
    switch (action.do) {
      case 'order':
      case 'order and prepay':
      case 'order, prepay and pay': {
        const { json } = await this.#ask(action.user, 'POST', '/api/orders', {
          body: { items: [{ sku: 'latte', quantity: 1 }] },
        })
        if (typeof json['outTradeNo'] === 'string')
          this.#ordersOf(action.user).unshift({ outTradeNo: json['outTradeNo'], payment: null })
        if (action.do !== 'order') await this.#do({ do: 'prepay', user: action.user, which: 0 })
        if (action.do === 'order, prepay and pay')
          await this.#do({ do: 'pay', user: action.user, which: 0 })
        return
      }
      case 'cron':
        return this.#judge(
          await this.#shop.call('GET', '/api/cron', { token: this.#shop.cronSecret }),
          action.do,
        )
      case 'deliver notifications':
        return this.#deliver(action.notification)
      case 'time passes':
        return this.#shop.advance(action.minutes * 60_000)
      case 'together':
        await Promise.all(action.actions.map((one) => this.#do(one)))
        return
      case 'database':
      case 'redis':
      case 'wechat':
      case 'merchant':
        this.#faults.set(action.do, action.lasting)
        return this.#set(action.do, action.is)
      case 'prepay':
      case 'pay':
      case 'query':
      case 'close': {
        const known = this.#ordersOf(action.user)
        const order =
          action.do === 'pay'
            ? known.filter(({ payment }) => payment !== null)[action.which]
            : known[action.which]
        return order === undefined ? undefined : this.#withOrder(action, order)
      }
    }
  }

  async #set(service: Service, condition: string): Promise<void> {
    if (condition === 'up') this.#faults.delete(service)
    switch (service) {
      case 'database':
        return this.#databaseIs(condition)
      case 'redis':
        return this.#redisIs(condition)
      case 'wechat':
        return this.#wechatIs(condition)
      case 'merchant':
        this.#merchant.answer = condition === 'up' ? accepts : refuses
    }
  }

  async #withOrder(
    action: { do: 'prepay' | 'pay' | 'query' | 'close'; user: number },
    order: KnownOrder,
  ): Promise<void> {
    const { outTradeNo } = order
    switch (action.do) {
      case 'prepay': {
        const { status, json } = await this.#ask(action.user, 'POST', '/api/prepay', {
          body: { outTradeNo },
        })
        if (status === 200) order.payment = toPayment(json)
        return
      }
      case 'pay':
        // The payment goes from the client to WeChat directly, so our faults do not affect it.
        if (
          order.payment !== null &&
          this.#shop.wechat.pay(order.payment).errMsg === 'requestPayment:ok'
        )
          order.payment = null
        return
      case 'query':
        return void (await this.#ask(action.user, 'GET', `/api/query?outTradeNo=${outTradeNo}`))
      case 'close':
        return void (await this.#ask(action.user, 'POST', '/api/close', { body: { outTradeNo } }))
    }
  }

  async #deliver(notification: string): Promise<void> {
    const { wechat } = this.#shop
    const isDue = wechat
      .notifications()
      .some(({ nextDueAt }) => nextDueAt !== null && nextDueAt <= wechat.now())
    if (!isDue) return
    const fault = faultOf(notification)
    if (fault !== null) wechat.misbehave(fault)
    await wechat.tick()
  }

  #databaseIs(condition: string): void {
    const { database } = this.#shop.world.faults
    database.up()
    if (condition === 'down') database.down()
    if (condition === 'lose answers') database.loseAnswers()
  }

  /** Redis comes back without the locks it held before the fault. */
  async #redisIs(condition: string): Promise<void> {
    const fault = this.#shop.world.faults.redis
    fault.up()
    // A concurrent step may stop Redis again. A lock that is left over then only costs time.
    const send = (...command: string[]) => redis(this.#shop.world, ...command).catch(() => null)
    for (const { outTradeNo } of this.#orders.flat()) {
      await send('DEL', `wxpay:notice:${outTradeNo}`)
      const prepay = `wxpay:prepay:${outTradeNo}`
      if (String(await send('GET', prepay)).startsWith('lock:')) await send('DEL', prepay)
    }
    if (condition === 'down') fault.down()
    if (condition === 'lose answers') fault.loseAnswers()
  }

  #wechatIs(condition: string): void {
    this.#shop.wechat.clearFaults()
    const fault = (
      {
        down: 'drop',
        'lose answers': 'lose-answer',
        html: 'html',
        'wrong key': 'wrong-key',
      } as const
    )[condition]
    for (const on of WECHAT_PATHS)
      if (fault !== undefined)
        this.#shop.wechat.misbehave(fault === 'wrong-key' ? { on, do: fault } : { on, do: fault })
  }

  async #ask(user: number, method: string, path: string, ask: CallOptions = {}): Promise<Answer> {
    const appid = this.#shop.world.env.WECHAT_APPID
    const tokens = createTokens(this.#shop.world.env.SESSION_SECRET, () => appid)
    const { token } = await tokens.issue(
      { appid, openid: must(parseOpenid(USERS[user] ?? '')) },
      new Date(),
    )
    const answer = await this.#shop.call(method, path, { ...ask, token })
    this.#judge(answer, `${method} ${path}`)
    return answer
  }

  #judge({ status, json, text }: Answer, what: string): void {
    const code = typeof json['code'] === 'string' ? json['code'] : ''
    if (!ALLOWED.has(`${status} ${code}`)) this.surprises.push(`${what}: ${status} ${code}`)
    const secrets = secretsIn(this.#shop, text)
    if (secrets.length > 0) this.surprises.push(`${what} shows ${secrets.join(', ')}`)
  }

  #ordersOf(user: number): KnownOrder[] {
    return this.#orders[user === 0 ? 0 : 1]
  }
}

function faultOf(notification: string): Fault | null {
  switch (notification) {
    case 'drop':
    case 'lose-answer':
    case 'garble':
      return { on: 'notify', do: notification, times: 1 }
    case 'tamper':
    case 'wrong-key':
    case 'unsigned':
      return { on: 'notify', do: notification, times: 1 }
    case 'wrong-amount':
    case 'reorder':
      return { on: 'notify', do: notification, times: 1 }
    case 'copies':
      return { on: 'notify', do: 'repeat', copies: 15, times: 1 }
    default:
      return null
  }
}
