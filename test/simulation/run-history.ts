/**
 * Runs one history: the workload under faults, then recovery without faults until no work is left.
 */
import * as v from 'valibot'
import type { SimulatedOrder } from '../../dev/wechat/order.ts'
import type { PaymentArguments } from '../../dev/wechat/request-payment.ts'
import {
  CLOCK_SKEW_MS,
  type Action,
  type History,
  type Operation,
  type QueryFalsely,
} from './history.ts'
import { Client } from './client.ts'
import { runAs, runForAction } from './instance.ts'
import { Random } from './random.ts'
import { modesOf, type Protocol } from './account.ts'
import { claimAnotherPayment } from './claim.ts'
import {
  actOnComplaint,
  complain,
  FIRST_COMPLAINT,
  forgeComplaint,
  lookAtComplaints,
  type Complain,
} from './complaints.ts'
import { reuseNumber } from './earlier-order.ts'
import { changeKeys } from './key-change.ts'
import { sendExtra, wantedOrder } from './extra-notification.ts'
import { compareBills, converge, deliverRest } from './convergence.ts'
import { findUnreported, spoilBills } from './bill-errors.ts'
import { passDeadlines } from './deadlines.ts'
import { sellOnceMore } from './last-sale.ts'
import { toText } from './lock-watch.ts'
import { shipInParcels } from './parcels.ts'
import { tickAfter } from './tick.ts'
import { inConsole, type Ask } from './console-invariants.ts'
import { startTroubles } from './shipping-trouble.ts'
import { TEXTS } from './texts.ts'
import { CODE_LIFE_MS, REFUND_MS } from './wechat-times.ts'
import { USERS } from './users.ts'
import { Observer } from './observer.ts'
import { findProblems } from './invariants.ts'
import type { World } from './world.ts'

interface KnownOrder {
  readonly outTradeNo: string
  readonly user: number
  /** The answer of the last successful prepay. */
  paymentArguments: PaymentArguments | null
}

/** Returns a description of each broken promise; empty if every promise held. */
export async function runHistory(world: World, history: History): Promise<readonly string[]> {
  try {
    return await world.time.until(new Run(world, history).run())
  } catch (error) {
    return [error instanceof Error ? `the history failed: ${error.message}` : 'the history failed']
  }
}

/**
 * After this time, an instance downloads WeChat's certificates again if a message names a new one.
 * Until then, a claim may be refused without an incident.
 */
const KEYS_MS = 60_000 + 2 * CLOCK_SKEW_MS

/** The longest head start of a close. A prepay that begins later may still reach WeChat first. */
const HEAD_START_MS = 40

/**
 * One history in so many reads the console at its end, and another one has one more sale. Not all
 * have both, because each takes a sixth of the time of a history.
 */
const ENDINGS = 3

const DAY_MS = 86_400_000

const placed = v.object({ outTradeNo: v.optional(v.string()), totalFee: v.optional(v.number()) })

class Run {
  readonly problems: string[] = []
  readonly #world: World
  readonly #history: History
  readonly #random: Random
  readonly #orders: KnownOrder[] = []
  /** The orders that the merchant ships as virtual. */
  readonly #virtual = new Set<string>()
  /** The orders for which another order's payment was claimed. */
  readonly #claimed = new Set<string>()
  readonly #observer: Observer
  readonly #client: Client

  constructor(world: World, history: History) {
    this.#world = world
    this.#history = history
    this.#random = new Random(`history ${history.seed}`)
    this.#observer = new Observer(world)
    this.#client = new Client(world, this.#observer)
  }

  /** Returns a description of each broken promise; empty if every promise held. */
  async run(): Promise<readonly string[]> {
    const { network, time } = this.#world
    const { faults, probability, actions } = this.#history
    await this.#world.begin(this.#random.next(), {
      ...this.#history,
      clockSkewMs: CLOCK_SKEW_MS,
    })
    for (const mode of modesOf(this.#history.account)) this.#world.count('world', `mode ${mode}`)
    network.faultSettings = { faults, probability }
    const running: Promise<void>[] = []
    for (const action of actions) {
      await time.sleep(action.afterMs)
      await this.#observer.check()
      const started = this.#start(action)
      // `Promise.all` reports it: until then, an error must not end the search.
      started.catch(() => undefined)
      running.push(started)
    }
    await Promise.all(running)
    await time.sleep(this.#random.between(0, 30_000))
    network.faultSettings = { faults: [], probability: 0 }
    this.#world.cluster.heal()
    this.#world.simulator.clearFaults()
    this.#world.calmFrom = time.now()
    this.problems.push(...(await this.#claimAgain()))
    const { bill } = this.#history
    const isSpoiled = bill !== 'not compared' && bill !== 'right'
    const spoiled = isSpoiled ? spoilBills(this.#world, bill, this.#random.next()) : null
    const callCron = () =>
      this.#client.request(
        'cron',
        'GET',
        '/api/cron',
        { key: this.#world.env.CRON_SECRET },
        this.#random.next(),
      )
    const finish = () => converge(this.#world, this.#history.recovery, this.#random, callCron)
    this.problems.push(...(await finish()))
    if (this.#history.seed % ENDINGS === 1)
      this.problems.push(...(await this.#sellOnceMore(finish)))
    if (this.#world.parcels.size > 0 || this.#world.simulator.complaints().length > 0) {
      const late = await passDeadlines(this.#world, this.#history, this.#random, callCron)
      this.problems.push(...late, ...(await finish()))
    }
    if (this.#isBilled()) {
      const bills = await compareBills(this.#world, this.#random, callCron, bill)
      this.problems.push(...bills, ...(await finish()))
      if (isSpoiled && spoiled !== null)
        this.problems.push(...(await findUnreported(this.#world, bill, spoiled)))
    }
    if (this.#history.seed % ENDINGS === 0)
      this.problems.push(...(await this.#readConsole(callCron)))
    await this.#observer.check()
    return [...this.problems, ...this.#observer.problems, ...(await findProblems(this.#world))]
  }

  /** Whether bills are compared. A console refund may appear in nothing but a bill. */
  #isBilled(): boolean {
    const refunds = this.#world.simulator.refunds()
    const hasConsoleRefund = refunds.some(
      ({ requestSource }) => requestSource === 'VENDOR_PLATFORM',
    )
    return this.#history.bill !== 'not compared' || hasConsoleRefund
  }

  /** Repeats each false claim without faults. If it is refused, there must be an incident. */
  async #claimAgain(): Promise<readonly string[]> {
    const problems: string[] = []
    if (this.#claimed.size > 0) await this.#world.time.sleep(KEYS_MS)
    for (const outTradeNo of this.#claimed) {
      const protocol = this.#protocolOf(outTradeNo)
      const claim = await claimAnotherPayment(
        this.#world,
        outTradeNo,
        protocol,
        this.#random.next(),
      )
      problems.push(...claim.problems)
      if (!claim.isRefused) continue
      const [incident] = await this.#world.sql('select from incidents where out_trade_no = $1', [
        outTradeNo,
      ])
      if (incident === undefined) problems.push(`a false claim has no incident (${outTradeNo})`)
    }
    return problems
  }

  async #sellOnceMore(finish: () => Promise<readonly string[]>): Promise<readonly string[]> {
    const problems = await sellOnceMore(
      this.#world,
      this.#history,
      this.#client,
      this.#observer,
      this.#random.next(),
    )
    return [...problems, ...(await finish())]
  }

  async #readConsole(callCron: () => Promise<unknown>): Promise<readonly string[]> {
    const random = this.#random.next()
    const ask: Ask = (name, path, body) =>
      this.#client.request(
        name,
        body === undefined ? 'GET' : 'POST',
        path,
        body === undefined ? {} : { body },
        random.next(),
      )
    const { bill } = this.#history
    const isBillRight = bill === 'right' || bill === 'not compared'
    const problems = await inConsole(this.#world, isBillRight, ask, random)
    await deliverRest(this.#world, callCron)
    return problems
  }

  async #start({ operation, seed }: Action): Promise<void> {
    const random = new Random(`action ${seed}`)
    const { kind } = operation
    this.#world.count('world', kind)
    const order = this.#orders.at(-1 - ('which' in operation ? operation.which : 0))
    this.#world.count('pair', `${kind} of ${this.#observer.stateOf(order?.outTradeNo)}`)
    await runForAction(kind, () =>
      runAs({ instance: null, random }, () => this.#perform(operation, random)),
    )
  }

  async #perform(operation: Operation, random: Random): Promise<void> {
    switch (operation.kind) {
      case 'buy':
        return void (await this.#buy(operation.user, operation.until, random))
      case 'prepay':
      case 'pay':
      case 'query':
      case 'query by payment':
      case 'close': {
        const order = this.#orders.at(-1 - operation.which)
        return order === undefined ? undefined : this.#withOrder(operation.kind, order, random)
      }
      case 'close while prepaying':
        return this.#closeWhilePrepaying(random)
      case 'prepay again later':
        return this.#prepayAgainLater(operation.user, operation.afterMs, random)
      case 'foreign request': {
        const order = this.#orders.at(-1 - operation.which)
        return order === undefined
          ? undefined
          : this.#withOrder(operation.step, { ...order, user: 1 - order.user }, random)
      }
      case 'claim another payment':
        return this.#claimAnotherPayment(operation.which, random)
      case 'query with a false answer':
        return this.#queryFalsely(operation, random)
      case 'refund with a false answer':
        return this.#queryRefundFalsely(operation.which, random)
      case 'log in':
        return this.#logIn(operation, random)
      case 'order with a key': {
        const attach = TEXTS[operation.text]
        const body = {
          items: [{ sku: 'cookie', quantity: operation.quantity }],
          ...(operation.text === 0 ? {} : { attach }),
        }
        const headers = { 'idempotency-key': operation.name }
        return void (await this.#place(
          'user',
          operation.user,
          {
            body,
            headers,
            isHostile: operation.text > 0,
            named: `key ${operation.name} of user ${operation.user}`,
            totalFee: 900 * operation.quantity,
          },
          random,
        ))
      }
      case 'merchant order': {
        const openid = USERS[operation.user]
        const outTradeNo = `merchant-${operation.name}`
        const totalFee = 2_800 * operation.quantity
        const body = {
          openid,
          totalFee,
          body: TEXTS[operation.text],
          outTradeNo,
        }
        return void (await this.#place(
          'merchant',
          operation.user,
          { body, isHostile: operation.text > 0, named: outTradeNo, totalFee },
          random,
        ))
      }
      case 'reuse a number':
        return reuseNumber(this.#world, this.#client, operation, random)
      case 'list':
        return void (await this.#client.request(
          'orders',
          'GET',
          '/api/orders',
          { user: operation.user },
          random,
        ))
      case 'ship': {
        const order = this.#paidOrder(operation.which)
        if (order === undefined || this.#world.parcels.has(order.outTradeNo)) return
        this.#virtual.add(order.outTradeNo)
        const body = {
          outTradeNo: order.outTradeNo,
          logisticsType: 'virtual',
          items: [{ itemDesc: TEXTS[operation.text] }],
        }
        return void (await this.#client.request(
          'shipping',
          'POST',
          '/api/shipping',
          { body, isHostile: operation.text > 0 },
          random,
        ))
      }
      case 'ship parcels': {
        if (this.#history.autoShips) return
        const order = await this.#findOrBuy(random, () => this.#toShipInParcels(operation.which))
        if (order === undefined) return
        await shipInParcels(this.#world, this.#client, order.outTradeNo, operation, random)
        return tickAfter(this.#world, random, random.between(0, 60_000))
      }
      case 'complain':
        return this.#complain(operation, random)
      case 'act on complaint':
        if (this.#world.simulator.complaints().length === 0)
          await this.#complain({ ...FIRST_COMPLAINT, which: operation.which }, random)
        return actOnComplaint(this.#world, this.#client, operation, random)
      case 'look at complaint':
        return lookAtComplaints(this.#world, this.#client, operation.which, random)
      case 'forge complaint':
        return void this.problems.push(...(await forgeComplaint(this.#world, operation, random)))
      case 'shipping trouble':
        return startTroubles(this.#world, operation)
      case 'console refund':
        return this.#refundInConsole(operation, random)
      case 'refund':
      case 'look at refund': {
        const order = this.#paidOrder(operation.which)
        if (order === undefined) return
        const outRefundNo = `${order.outTradeNo}-${operation.name}`
        const path = `/api/refund?outRefundNo=${outRefundNo}`
        if (operation.kind === 'look at refund')
          return void (await this.#client.request('refund', 'GET', path, {}, random))
        const refundDesc = operation.text === 0 ? {} : { refundDesc: TEXTS[operation.text] }
        const body = {
          outTradeNo: order.outTradeNo,
          outRefundNo,
          refundFee: operation.fee,
          ...refundDesc,
        }
        const answer = await this.#client.request(
          'refund',
          'POST',
          '/api/refund',
          { body, isHostile: operation.text > 0 },
          random,
        )
        this.#observer.readAcceptedRefund(answer, outRefundNo, operation.fee)
        this.#observer.readRepetition(answer, outRefundNo, body)
        const looks = Array.from({ length: operation.looks }, async () => {
          await this.#world.time.sleep(REFUND_MS)
          await this.#client.request('refund', 'GET', path, {}, random.next())
        })
        await Promise.all([tickAfter(this.#world, random.next(), REFUND_MS), ...looks])
        return
      }
      case 'cron':
        return void (await this.#client.request(
          'cron',
          'GET',
          '/api/cron',
          { key: this.#world.env.CRON_SECRET },
          random,
        ))
      case 'empty redis':
        return void (await this.#world.redis('FLUSHDB'))
      case 'confuse redis':
        return this.#confuseRedis(random)
      case 'move':
        return this.#world.move()
      case 'change keys':
        return changeKeys(this.#world, random)
      case 'extra notification': {
        const order = await this.#orderFor(operation, random)
        if (order === undefined) return
        const { outTradeNo } = order
        this.problems.push(...(await sendExtra(this.#world, operation.extra, outTradeNo, random)))
        return
      }
    }
  }

  /** Buys one latte. Retries a step that got no answer, and gives up after three tries. */
  async #buy(
    user: number,
    until: 'order' | 'prepay' | 'pay' | 'query',
    random: Random,
  ): Promise<KnownOrder | null> {
    const key = random.bytes(8).toString('hex')
    // Every second key asks for the payment arguments together with the order.
    const prepay = until !== 'order' && /[02468ace]$/.test(key)
    const body = { items: [{ sku: 'latte', quantity: 1 }], prepay }
    const order = await this.#retry(random, () =>
      this.#place(
        'user',
        user,
        { body, headers: { 'idempotency-key': key }, totalFee: 2_800 },
        random,
      ),
    )
    if (order === null || until === 'order') return order
    const paymentArguments =
      order.paymentArguments ??
      (await this.#retry(random, async () => {
        await this.#withOrder('prepay', order, random)
        return order.paymentArguments
      }))
    if (paymentArguments === null || until === 'prepay') return order
    await this.#world.time.sleep(random.between(0, 4_000))
    await this.#withOrder('pay', order, random)
    if (until === 'query') await this.#withOrder('query', order, random)
    return order
  }

  async #retry<T>(random: Random, work: () => Promise<T | null>): Promise<T | null> {
    for (let tries = 0; tries < 3; tries += 1) {
      const result = await work()
      if (result !== null) return result
      await this.#world.time.sleep(random.between(200, 3_000))
    }
    return null
  }

  async #place(
    by: 'user' | 'merchant',
    user: number,
    request: {
      readonly body: unknown
      readonly headers?: Readonly<Record<string, string>>
      readonly isHostile?: boolean
      /** Names one order: an idempotency key with its user, or the merchant's number. */
      readonly named?: string
      /** The price of what is ordered, in fen. */
      readonly totalFee: number
    },
    random: Random,
  ): Promise<KnownOrder | null> {
    const answer = await this.#client.request(
      'orders',
      'POST',
      '/api/orders',
      by === 'user' ? { ...request, user } : request,
      random,
    )
    if (request.named !== undefined)
      this.#observer.readRepetition(answer, request.named, request.body)
    const { outTradeNo, totalFee } = v.parse(placed, answer.json['order'] ?? answer.json)
    if (outTradeNo === undefined) return null
    if (totalFee !== request.totalFee)
      this.problems.push(
        `an order for ${request.totalFee} was answered with ${totalFee} (${outTradeNo})`,
      )
    const known = this.#orders.find((order) => order.outTradeNo === outTradeNo) ?? {
      outTradeNo,
      user,
      paymentArguments: null,
    }
    if (!this.#orders.includes(known)) this.#orders.push(known)
    const { payment = null } = answer.json
    if (payment !== null)
      known.paymentArguments = this.#observer.readPaymentArguments(payment, outTradeNo)
    return known
  }

  async #withOrder(
    kind: 'prepay' | 'pay' | 'query' | 'query by payment' | 'close',
    order: KnownOrder,
    random: Random,
  ): Promise<void> {
    const { outTradeNo, user } = order
    const { simulator } = this.#world
    switch (kind) {
      case 'prepay': {
        const answer = await this.#client.request(
          'prepay',
          'POST',
          '/api/prepay',
          { user, body: { outTradeNo } },
          random,
        )
        if (answer.status === 200)
          order.paymentArguments = this.#observer.readPaymentArguments(answer.json, outTradeNo)
        return
      }
      case 'pay':
        if (
          order.paymentArguments === null ||
          simulator.pay(order.paymentArguments).errMsg !== 'requestPayment:ok'
        )
          return
        this.#world.count('world', 'paid')
        return tickAfter(this.#world, random, random.between(0, 1_500))
      case 'query':
        return void (await this.#client.request(
          'query',
          'GET',
          `/api/query?outTradeNo=${outTradeNo}`,
          { user },
          random,
        ))
      case 'query by payment': {
        const paid = this.#atWechat(outTradeNo)?.payment
        if (paid)
          await this.#client.request(
            'query',
            'GET',
            `/api/query?transactionId=${paid.transactionId}`,
            { user },
            random,
          )
        return
      }
      case 'close':
        return void (await this.#client.request(
          'close',
          'POST',
          '/api/close',
          { user, body: { outTradeNo } },
          random,
        ))
    }
  }

  async #closeWhilePrepaying(random: Random): Promise<void> {
    const order = await this.#buy(0, 'order', random)
    if (order === null) return
    const prepay = async (next: Random) => {
      await this.#world.time.sleep(next.between(0, HEAD_START_MS))
      await this.#withOrder('prepay', order, next)
    }
    await Promise.all([this.#withOrder('close', order, random.next()), prepay(random.next())])
    // WeChat sends the notification at its next tick, or never if `recovery` is `only cron`.
    if (order.paymentArguments !== null) this.#world.simulator.pay(order.paymentArguments)
  }

  async #prepayAgainLater(user: number, afterMs: number, random: Random): Promise<void> {
    const { time } = this.#world
    const totalFee = 900
    const body = {
      openid: USERS[user],
      totalFee,
      body: '曲奇',
      outTradeNo: `later-${random.bytes(6).toString('hex')}`,
      timeExpire: new Date(time.now() + 2 * DAY_MS).toISOString(),
    }
    const order = await this.#place('merchant', user, { body, totalFee }, random.next())
    if (order === null) return
    await this.#withOrder('prepay', order, random.next())
    await time.sleep(afterMs)
    await this.#withOrder('prepay', order, random.next())
    await this.#withOrder('pay', order, random.next())
  }

  /** Claims the payment of a settled order for one that is not paid. */
  async #claimAnotherPayment(which: number, random: Random): Promise<void> {
    await this.#findOrBuy(random, () => this.#paidOrders().at(0), 'query')
    const order = await this.#findOrBuy(random, () => this.#unpaidOrder(which), 'prepay')
    if (order === undefined) return
    const { outTradeNo } = order
    this.#claimed.add(outTradeNo)
    const protocol = this.#protocolOf(outTradeNo)
    const claim = await claimAnotherPayment(this.#world, outTradeNo, protocol, random)
    this.problems.push(...claim.problems)
  }

  /** Pays an order whose notification is still to come. WeChat's answer to the query is false. */
  async #queryFalsely({ which, by, falsehood }: QueryFalsely, random: Random): Promise<void> {
    const order = await this.#findOrBuy(random, () => this.#unpaidOrder(which), 'prepay')
    if (order === undefined || order.paymentArguments === null) return
    const { simulator, env } = this.#world
    if (simulator.pay(order.paymentArguments).errMsg !== 'requestPayment:ok') return
    const refusal = { do: 'err-code', errCode: 'ORDERNOTEXIST', unsigned: true } as const
    const answer = falsehood === 'unsigned refusal' ? refusal : { do: falsehood }
    simulator.misbehave({ on: 'orderquery', times: 1, ...answer })
    if (falsehood === 'wrong-amount') this.#world.count('wechat', 'other amount')
    if (by === 'cron')
      await this.#client.request('cron', 'GET', '/api/cron', { key: env.CRON_SECRET }, random)
    else await this.#withOrder(by, order, random)
    this.#world.count('world', `query with ${falsehood}`)
    return tickAfter(this.#world, random, random.between(0, 1_500))
  }

  /**
   * Refunds an order in part. WeChat's next answer about the refund has another amount, which must
   * become an incident.
   */
  async #queryRefundFalsely(which: number, random: Random): Promise<void> {
    const order = await this.#findOrBuy(random, () => this.#paidOrders().at(-1 - which))
    if (order === undefined) return
    const { simulator, sql } = this.#world
    const { outTradeNo } = order
    const outRefundNo = `${outTradeNo}-${random.bytes(3).toString('hex')}`
    const body = { outTradeNo, outRefundNo, refundFee: 100 }
    const asked = await this.#client.request('refund', 'POST', '/api/refund', { body }, random)
    if (asked.status !== 202) return
    const falsehood = { on: 'refundquery', times: 1, do: 'wrong-amount' } as const
    simulator.misbehave(falsehood)
    this.#world.count('wechat', 'other amount')
    const path = `/api/refund?outRefundNo=${outRefundNo}`
    await this.#client.request('refund', 'GET', path, {}, random)
    const isTold = !simulator.hasFault(falsehood)
    if (isTold) this.#world.count('world', 'refund with a false answer')
    // With faults, the answer may not have arrived.
    if (isTold && this.#history.faults.length === 0) {
      const [incident] = await sql(`select from incidents where kind = 'refund'`)
      if (incident === undefined)
        this.problems.push(`4: a refund of another amount has no incident (${outTradeNo})`)
    }
    return tickAfter(this.#world, random, REFUND_MS)
  }

  async #complain(complaint: Complain, random: Random): Promise<void> {
    if (this.#world.account.v3 === null) return
    const order = await this.#findOrBuy(random, () => this.#paidOrderAt(complaint.which))
    if (order === undefined) return
    return complain(this.#world, order.outTradeNo, complaint, random)
  }

  #paidOrders(): readonly KnownOrder[] {
    return this.#orders.filter(({ outTradeNo }) => this.#atWechat(outTradeNo)?.payment)
  }

  /** The paid order at this index, newest first. The oldest one if there are fewer. */
  #paidOrderAt(which: number): KnownOrder | undefined {
    const paid = this.#paidOrders()
    return paid.at(-1 - which) ?? paid.at(0)
  }

  /** An order that WeChat knows and that is not paid. */
  #unpaidOrder(which: number): KnownOrder | undefined {
    const unpaid = this.#orders.filter(
      ({ outTradeNo }) => this.#atWechat(outTradeNo)?.payment === null,
    )
    return unpaid.at(-1 - which) ?? unpaid.at(0)
  }

  async #orderFor(
    { which, extra }: Extract<Operation, { kind: 'extra notification' }>,
    random: Random,
  ): Promise<KnownOrder | undefined> {
    switch (wantedOrder(extra, random)) {
      case 'paid':
        return this.#findOrBuy(random, () => this.#paidOrderAt(which))
      case 'unpaid':
        return this.#findOrBuy(random, () => this.#unpaidOrder(which), 'prepay')
      case 'any':
        return this.#orders.at(-1 - which)
    }
  }

  /** Picks among the paid orders if there are any, else among all; newest first. */
  #paidOrder(which: number): KnownOrder | undefined {
    const paid = this.#paidOrders()
    return (paid.length > 0 ? paid : this.#orders).at(-1 - which)
  }

  /** Buys an order if no order is found. */
  async #findOrBuy(
    random: Random,
    find: () => KnownOrder | undefined,
    until: 'prepay' | 'pay' | 'query' = 'pay',
  ): Promise<KnownOrder | undefined> {
    const found = find()
    if (found !== undefined) return found
    await this.#buy(0, until, random)
    return find()
  }

  /**
   * A paid order that is not shipped in another way. The caller skips shops that ship
   * automatically, because their parcels would use up the one correction.
   */
  #toShipInParcels(which: number): KnownOrder | undefined {
    const waiting = this.#paidOrders().filter(
      ({ outTradeNo }) => !this.#virtual.has(outTradeNo) && !this.#world.parcels.has(outTradeNo),
    )
    return waiting.at(-1 - which) ?? waiting.at(0)
  }

  /** Does nothing if WeChat refuses the refund, for example because too little is left. */
  async #refundInConsole(
    { which, fee, endsAs, isNotifiedSoon }: Extract<Operation, { kind: 'console refund' }>,
    random: Random,
  ): Promise<void> {
    const order = this.#paidOrder(which)
    if (order === undefined) return
    try {
      this.#world.simulator.refundInConsole(order.outTradeNo, fee, 'reported', endsAs)
    } catch (cause) {
      if (cause instanceof TypeError) return
      throw cause
    }
    this.#world.count('world', 'refunded in the console')
    if (isNotifiedSoon) await tickAfter(this.#world, random, random.between(3_000, 30_000))
  }

  /** The protocol that the order was placed with; that of new orders if WeChat does not know it. */
  #protocolOf(outTradeNo: string): Protocol {
    const order = this.#atWechat(outTradeNo)
    if (order === undefined) return this.#history.account.startsWith
    return order.signType === 'RSA' ? 'v3' : 'v2'
  }

  #atWechat(outTradeNo: string): SimulatedOrder | undefined {
    return this.#world.simulator.orders().find((order) => order.outTradeNo === outTradeNo)
  }

  async #logIn(
    { user, times, againAfterMs }: Extract<Operation, { kind: 'log in' }>,
    random: Random,
  ): Promise<void> {
    const code = this.#world.simulator.issueCode(USERS[user])
    const send = async () => {
      const options = { body: { code }, key: '' }
      const answer = await this.#client.request(
        'login',
        'POST',
        '/api/login',
        options,
        random.next(),
      )
      await this.#observer.readSession(answer, USERS[user] ?? '')
      return answer.status === 200
    }
    await Promise.all(Array.from({ length: times }, send))
    if (againAfterMs === null) return
    await this.#world.time.sleep(againAfterMs)
    const isOver = againAfterMs > CODE_LIFE_MS + 2 * CLOCK_SKEW_MS
    const isIn = await send()
    this.#world.count('world', `code again ${isIn ? 'accepted' : 'refused'}`)
    if (isIn && isOver) this.problems.push('a login code was accepted after its lifetime')
  }

  /**
   * Stores one order's cached `prepay_id` under another order, as after a wrong restore or with a
   * Redis that two shops share. Spoils the list of platform certificates, if there is one.
   */
  async #confuseRedis(random: Random): Promise<void> {
    const certificates = `wxpay:certificates:${this.#world.env.WECHAT_MCH_ID}`
    if (toText(await this.#world.redis('GET', certificates)) !== '') {
      this.#world.count('world', 'certificates confused')
      const at = this.#world.time.now()
      const other = ['', '{}', JSON.stringify({ body: '{"data":[]}', at })]
      await this.#world.redis('SET', certificates, random.pick(other))
    }
    const [wanted, ...others] = this.#orders.toReversed()
    for (const { outTradeNo } of others) {
      const kept = toText(await this.#world.redis('GET', `wxpay:prepay:${outTradeNo}`))
      // A lock would be copied without its expiry.
      if (wanted === undefined || kept === '' || kept.startsWith('lock:')) continue
      this.#world.count('world', 'confused')
      await this.#world.redis('SET', `wxpay:prepay:${wanted.outTradeNo}`, kept)
      return this.#withOrder('prepay', wanted, random)
    }
  }
}
