/** Plays one history: everybody does their part, then the mishaps end, and WeChat and cron call until all is quiet. */
import type { PaymentArguments, SimulatedOrder } from '../../dev/wechat/simulator.ts'
import type { Action, Deed, History } from './history.ts'
import { Asker } from './asker.ts'
import { actAs } from './instance.ts'
import { Luck } from './luck.ts'
import { messageMishapsOf, toFault } from './mishaps.ts'
import { claimAnotherPayment } from './claim.ts'
import { quieten } from './ending.ts'
import { toText } from './lock-watch.ts'
import { TEXTS } from './texts.ts'
import { USERS } from './users.ts'
import { Observer } from './observer.ts'
import { findProblems } from './invariants.ts'
import type { World } from './world.ts'

interface KnownOrder {
  readonly outTradeNo: string
  readonly user: number
  /** What the phone was last given to pay with. */
  page: PaymentArguments | null
}

/** What broke a promise in a history, in words; nothing, if all held. */
export async function play(world: World, history: History): Promise<readonly string[]> {
  try {
    return await world.time.until(new Play(world, history).run())
  } catch (error) {
    return [
      error instanceof Error ? `it did not end well: ${error.message}` : 'it did not end well',
    ]
  }
}

class Play {
  readonly problems: string[] = []
  readonly #world: World
  readonly #history: History
  readonly #luck: Luck
  readonly #orders: KnownOrder[] = []
  readonly #observer: Observer
  readonly #asker: Asker

  constructor(world: World, history: History) {
    this.#world = world
    this.#history = history
    this.#luck = new Luck(`play ${history.luck}`)
    this.#observer = new Observer(world)
    this.#asker = new Asker(world, this.#observer)
  }

  /** Returns what broke a promise, in words; nothing, if all held. */
  async run(): Promise<readonly string[]> {
    const { network, time } = this.#world
    const { mishaps, likelihood, actions, shipsByItself } = this.#history
    await this.#world.begin(this.#luck.next(), this.#history.minuteOfDay)
    process.env['WECHAT_AUTO_SHIPPING'] = shipsByItself ? 'virtual' : ''
    network.weather = { mishaps, likelihood }
    const doing: Promise<void>[] = []
    for (const action of actions) {
      await time.sleep(action.afterMs)
      await this.#observer.look()
      doing.push(this.#act(action))
    }
    await Promise.all(doing)
    await time.sleep(this.#luck.between(0, 30_000))
    network.weather = { mishaps: [], likelihood: 0 }
    this.#world.cluster.heal()
    this.#world.simulator.clearFaults()
    const callCron = () =>
      this.#asker.ask(
        'cron',
        'GET',
        '/api/cron',
        { key: this.#world.env.CRON_SECRET },
        this.#luck.next(),
      )
    this.problems.push(...(await quieten(this.#world, this.#history.ending, this.#luck, callCron)))
    await this.#observer.look()
    return [...this.problems, ...this.#observer.problems, ...(await findProblems(this.#world))]
  }

  async #act({ deed, luck }: Action): Promise<void> {
    const own = new Luck(`action ${luck}`)
    this.#world.met('world', deed.do)
    await actAs({ instance: null, luck: own }, () => this.#do(deed, own))
  }

  async #do(deed: Deed, luck: Luck): Promise<void> {
    switch (deed.do) {
      case 'buy':
        return this.#buy(deed.user, deed.until, luck)
      case 'prepay':
      case 'pay':
      case 'query':
      case 'query by payment':
      case 'close':
      case 'foreign query':
      case 'claim another payment': {
        const order = this.#orders.at(-1 - deed.which)
        return order === undefined ? undefined : this.#withOrder(deed.do, order, luck)
      }
      case 'log in':
        return this.#logIn(deed.user, deed.times, luck)
      case 'order with a key': {
        const attach = TEXTS[deed.text]
        const body = {
          items: [{ sku: 'cookie', quantity: deed.quantity }],
          ...(deed.text === 0 ? {} : { attach }),
        }
        const headers = { 'idempotency-key': deed.name }
        return void (await this.#place(
          'user',
          deed.user,
          { body, headers, isHostile: deed.text > 0 },
          luck,
        ))
      }
      case 'merchant order': {
        const openid = USERS[deed.user]
        const outTradeNo = `merchant-${deed.name}`
        const body = { openid, totalFee: 2_800 * deed.quantity, body: TEXTS[deed.text], outTradeNo }
        return void (await this.#place(
          'merchant',
          deed.user,
          { body, isHostile: deed.text > 0 },
          luck,
        ))
      }
      case 'list':
        return void (await this.#asker.ask(
          'orders',
          'GET',
          '/api/orders',
          { user: deed.user },
          luck,
        ))
      case 'ship': {
        const order = this.#paidOrder(deed.which)
        if (order === undefined) return
        const body = {
          outTradeNo: order.outTradeNo,
          logisticsType: 'virtual',
          items: [{ itemDesc: TEXTS[deed.text] }],
        }
        return void (await this.#asker.ask(
          'shipping',
          'POST',
          '/api/shipping',
          { body, isHostile: deed.text > 0 },
          luck,
        ))
      }
      case 'console refund':
        return this.#refundInConsole(deed.which, deed.fee, deed.isNotifiedSoon, luck)
      case 'refund':
      case 'look at refund': {
        const order = this.#paidOrder(deed.which)
        if (order === undefined) return
        const outRefundNo = `${order.outTradeNo}-${deed.name}`
        if (deed.do === 'look at refund')
          return void (await this.#asker.ask(
            'refund',
            'GET',
            `/api/refund?outRefundNo=${outRefundNo}`,
            {},
            luck,
          ))
        const refundDesc = deed.text === 0 ? {} : { refundDesc: TEXTS[deed.text] }
        const body = {
          outTradeNo: order.outTradeNo,
          outRefundNo,
          refundFee: deed.fee,
          ...refundDesc,
        }
        const answer = await this.#asker.ask(
          'refund',
          'POST',
          '/api/refund',
          { body, isHostile: deed.text > 0 },
          luck,
        )
        this.#observer.promised(answer, outRefundNo, deed.fee)
        return this.#tickAfter(luck, 3_100)
      }
      case 'cron':
        return void (await this.#asker.ask(
          'cron',
          'GET',
          '/api/cron',
          { key: this.#world.env.CRON_SECRET },
          luck,
        ))
      case 'empty redis':
        return void (await this.#world.redis('FLUSHDB'))
      case 'confuse redis':
        return this.#confuseRedis(luck)
    }
  }

  /** Taps again where an answer stays out, as people do, and gives up after a while. */
  async #buy(user: number, until: 'order' | 'prepay' | 'pay' | 'query', luck: Luck): Promise<void> {
    const key = luck.bytes(8).toString('hex')
    const order = await this.#again(luck, () =>
      this.#place(
        'user',
        user,
        { body: { items: [{ sku: 'latte', quantity: 1 }] }, headers: { 'idempotency-key': key } },
        luck,
      ),
    )
    if (order === null || until === 'order') return
    const page = await this.#again(luck, async () => {
      await this.#withOrder('prepay', order, luck)
      return order.page
    })
    if (page === null || until === 'prepay') return
    await this.#world.time.sleep(luck.between(0, 4_000))
    await this.#withOrder('pay', order, luck)
    if (until === 'query') await this.#withOrder('query', order, luck)
  }

  async #again<T>(luck: Luck, work: () => Promise<T | null>): Promise<T | null> {
    for (let tries = 0; tries < 3; tries += 1) {
      const done = await work()
      if (done !== null) return done
      await this.#world.time.sleep(luck.between(200, 3_000))
    }
    return null
  }

  async #place(
    by: 'user' | 'merchant',
    user: number,
    ask: {
      readonly body: unknown
      readonly headers?: Readonly<Record<string, string>>
      readonly isHostile?: boolean
    },
    luck: Luck,
  ): Promise<KnownOrder | null> {
    const answer = await this.#asker.ask(
      'orders',
      'POST',
      '/api/orders',
      by === 'user' ? { ...ask, user } : ask,
      luck,
    )
    const outTradeNo = answer.json['outTradeNo']
    if (typeof outTradeNo !== 'string') return null
    const known = this.#orders.find((order) => order.outTradeNo === outTradeNo) ?? {
      outTradeNo,
      user,
      page: null,
    }
    if (!this.#orders.includes(known)) this.#orders.push(known)
    return known
  }

  async #withOrder(
    what:
      | 'prepay'
      | 'pay'
      | 'query'
      | 'query by payment'
      | 'close'
      | 'foreign query'
      | 'claim another payment',
    order: KnownOrder,
    luck: Luck,
  ): Promise<void> {
    const { outTradeNo, user } = order
    const { simulator } = this.#world
    switch (what) {
      case 'prepay': {
        const answer = await this.#asker.ask(
          'prepay',
          'POST',
          '/api/prepay',
          { user, body: { outTradeNo } },
          luck,
        )
        order.page = this.#observer.readPage(answer, outTradeNo) ?? order.page
        return
      }
      case 'pay':
        if (order.page === null || simulator.pay(order.page).errMsg !== 'requestPayment:ok') return
        this.#world.met('world', 'paid')
        return this.#tickAfter(luck, luck.between(0, 1_500))
      case 'query':
        return void (await this.#asker.ask(
          'query',
          'GET',
          `/api/query?outTradeNo=${outTradeNo}`,
          { user },
          luck,
        ))
      case 'query by payment': {
        const paid = this.#atWechat(outTradeNo)?.payment
        if (paid)
          await this.#asker.ask(
            'query',
            'GET',
            `/api/query?transactionId=${paid.transactionId}`,
            { user },
            luck,
          )
        return
      }
      case 'foreign query': {
        const answer = await this.#asker.ask(
          'query',
          'GET',
          `/api/query?outTradeNo=${outTradeNo}`,
          { user: 1 - user },
          luck,
        )
        if (answer.status === 200) this.problems.push('somebody else saw an order')
        return
      }
      case 'close':
        return void (await this.#asker.ask(
          'close',
          'POST',
          '/api/close',
          { user, body: { outTradeNo } },
          luck,
        ))
      case 'claim another payment':
        return void this.problems.push(
          ...(await claimAnotherPayment(this.#world, outTradeNo, luck)),
        )
    }
  }

  /** A paid order where there is one, newest first. */
  #paidOrder(which: number): KnownOrder | undefined {
    const paid = this.#orders.filter(({ outTradeNo }) => this.#atWechat(outTradeNo)?.payment)
    return (paid.length > 0 ? paid : this.#orders).at(-1 - which)
  }

  /** WeChat refuses more than is left, as it does in its console. */
  async #refundInConsole(
    which: number,
    fee: number,
    isNotifiedSoon: boolean,
    luck: Luck,
  ): Promise<void> {
    const order = this.#paidOrder(which)
    if (order === undefined) return
    try {
      this.#world.simulator.refundInConsole(order.outTradeNo, fee)
    } catch (cause) {
      if (cause instanceof TypeError) return
      throw cause
    }
    this.#world.met('world', 'refunded in the console')
    if (isNotifiedSoon) await this.#tickAfter(luck, luck.between(3_000, 30_000))
  }

  #atWechat(outTradeNo: string): SimulatedOrder | undefined {
    return this.#world.simulator.orders().find((order) => order.outTradeNo === outTradeNo)
  }

  async #logIn(user: number, times: number, luck: Luck): Promise<void> {
    const code = this.#world.simulator.issueCode(USERS[user])
    const logins = Array.from({ length: times }, async () =>
      this.#asker.ask('login', 'POST', '/api/login', { body: { code }, key: '' }, luck.next()),
    )
    for (const answer of await Promise.all(logins))
      await this.#observer.readSession(answer, USERS[user] ?? '')
  }

  /** What Redis holds for one order is what it should hold for another: restored, shared with another shop, mistaken. */
  async #confuseRedis(luck: Luck): Promise<void> {
    const [wanted, ...others] = this.#orders.toReversed()
    for (const { outTradeNo } of others) {
      const kept = toText(await this.#world.redis('GET', `wxpay:prepay:${outTradeNo}`))
      if (wanted === undefined || kept === '') continue
      this.#world.met('world', 'confused')
      await this.#world.redis('SET', `wxpay:prepay:${wanted.outTradeNo}`, kept)
      return this.#withOrder('prepay', wanted, luck)
    }
  }

  /** WeChat sends what is due, and again whenever something is. */
  async #tickAfter(luck: Luck, ms: number): Promise<void> {
    const { time, network, simulator } = this.#world
    await time.sleep(ms)
    const mishap = network.mishap(messageMishapsOf('notify', network.weather.mishaps), luck)
    const fault = mishap === null ? null : toFault(mishap, 'notify')
    if (mishap !== null && fault !== null) {
      this.#world.met('notify', mishap)
      simulator.misbehave(fault)
    }
    await actAs({ instance: null, luck: luck.next() }, () => simulator.tick())
  }
}
