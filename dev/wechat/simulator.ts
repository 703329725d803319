/**
 * A stand-in for api.weixin.qq.com and api.mch.weixin.qq.com that needs no network and is as strict as WeChat.
 *
 * It knows one Mini Program and one merchant, refuses what WeChat refuses, signs what WeChat signs, delivers
 * notifications on WeChat's schedule, and misbehaves on demand. A further call is one more line in `endpoints`.
 */
import { Hono } from 'hono'
import { parseOpenid } from '../../lib/core/ids.ts'
import { closeOrder } from './close-order.ts'
import { createControl } from './control.ts'
import { enveloped } from './envelope.ts'
import { serveEndpoint, type Endpoint } from './exchange.ts'
import { Faults, type Fault } from './faults.ts'
import { codeToSession, findLogin, issueLogin } from './login.ts'
import { Notifier } from './notifier.ts'
import { orderQuery } from './order-query.ts'
import { tradeStateOf, type SimulatedOrder } from './order.ts'
import { requestPayment, type Payer, type PaymentArguments, type PayOutcome } from './request-payment.ts'
import type { Account, Simulation } from './simulation.ts'
import { loadState, saveState, type SimulatedNotification } from './state.ts'
import { unifiedOrder } from './unified-order.ts'
import { userDataOf, type UserData } from './user-data.ts'
import { Wire, type WireMessage } from './wire.ts'

export interface SimulatorOptions extends Account {
  /** Milliseconds; the simulator's clock is this one plus what `advance` added. */
  readonly now: () => number
  /** Where the state survives a restart; without it the simulator starts empty. */
  readonly stateFile?: string
}

export interface Simulator {
  /** `/sns/jscode2session`, `/pay/...` and `/control/...`, to be mounted where the base URLs point. */
  readonly app: Hono
  /** Begins to deliver due notifications by itself. */
  start(): void
  /** Ends deliveries and whatever hangs; `start` may follow. */
  stop(): Promise<void>
  /** Delivers what is due now and returns how many messages were sent. */
  tick(): Promise<number>
  now(): number
  advance(ms: number): void
  /** What `wx.login` would give, for a new person unless one is named. */
  issueCode(openid?: string): string
  /** What the Mini Program would get beside that code. */
  userData(code: string): UserData
  /** What `wx.requestPayment` does on the phone of the order's own payer, unless another is named. */
  pay(args: PaymentArguments, openid?: string, payer?: Payer): PayOutcome
  misbehave(fault: Fault): void
  clearFaults(): void
  /** The latest 500 messages, newest last. */
  readonly wire: readonly WireMessage[]
  orders(): readonly SimulatedOrder[]
  notifications(): readonly SimulatedNotification[]
}

export type { Fault, PaymentArguments, PayOutcome, Payer, SimulatedNotification, SimulatedOrder, UserData, WireMessage }

const endpoints: readonly Endpoint[] = [
  { path: '/sns/jscode2session', faultTarget: 'jscode2session', answer: codeToSession },
  { path: '/pay/unifiedorder', faultTarget: 'unifiedorder', answer: enveloped(unifiedOrder) },
  { path: '/pay/orderquery', faultTarget: 'orderquery', answer: enveloped(orderQuery) },
  { path: '/pay/closeorder', faultTarget: 'closeorder', answer: enveloped(closeOrder) },
]

const POLL_MS = 100

export function createSimulator(options: SimulatorOptions): Simulator {
  const state = loadState(options.stateFile)
  const now = () => options.now() + state.clockOffsetMs
  const simulation: Simulation = { account: options, state, now, save: () => saveState(options.stateFile, state) }
  const app = new Hono()
  const faults = new Faults()
  const wire = new Wire()
  const notifier = new Notifier(simulation, faults, wire)
  const ticks = new Set<Promise<number>>()
  let stopping = new AbortController()
  let timer: NodeJS.Timeout | undefined

  function tick(): Promise<number> {
    const ticking = notifier.tick(stopping.signal).finally(() => ticks.delete(ticking))
    ticks.add(ticking)
    return ticking
  }

  const simulator: Simulator = {
    app,
    start: () => {
      timer ??= setInterval(() => void tick(), POLL_MS).unref()
    },
    stop: async () => {
      clearInterval(timer)
      timer = undefined
      stopping.abort()
      stopping = new AbortController()
      await Promise.all(ticks)
    },
    tick,
    now,
    advance: (ms) => {
      state.clockOffsetMs += ms
      simulation.save()
    },
    issueCode: (openid) => {
      if (openid !== undefined && !parseOpenid(openid).ok) throw new TypeError('an openid is 1 to 128 letters, digits, _ or -')
      const { code } = issueLogin(simulation, openid)
      simulation.save()
      return code
    },
    userData: (code) => {
      const login = findLogin(state, code)
      if (login === undefined) throw new TypeError('no such code was issued')
      return userDataOf(login, options.appid, now())
    },
    pay: (args, openid, payer = 'pays') => {
      const outcome = requestPayment(simulation, args, openid, payer)
      simulation.save()
      return outcome
    },
    misbehave: (fault) => faults.add(fault),
    clearFaults: () => faults.clear(),
    wire: wire.messages,
    orders: () => state.orders.map((order) => ({ ...order, tradeState: tradeStateOf(order, now()) })),
    notifications: () => structuredClone(state.notifications),
  }
  for (const endpoint of endpoints) serveEndpoint(app, endpoint, { simulation, faults, wire, stopping: () => stopping.signal })
  app.route('/control', createControl(simulator))
  return simulator
}
