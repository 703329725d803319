/**
 * The switches of the local world: faults that a person turns on to see what happens. They are off
 * after a restart.
 *
 * A switch acts on a stand-in. If the environment names the real service, the switch is refused.
 */
import * as v from 'valibot'
import { Conflict, plain, taking, type Route } from '../wechat/control-route.ts'
import type { Fault as WechatFault } from '../wechat/faults.ts'
import type { Simulator } from '../wechat/simulator.ts'
import { readVariable, type Environment } from '../program/environment.ts'
import type { Fault } from './faults.ts'
import type { SwitchedOn } from './switched-on.ts'

/** The faults of every later notification. */
const notificationFaults = {
  lost: { on: 'notify', do: 'drop' },
  'fifteen-times': { on: 'notify', do: 'repeat', copies: 15 },
  /** The amount is changed, but the signature covers the true amount. */
  'forged-amount': { on: 'notify', do: 'tamper' },
  'wrong-signature': { on: 'notify', do: 'wrong-key' },
} as const satisfies Readonly<Record<string, WechatFault>>

const NOTIFICATIONS = [
  'as-usual',
  'lost',
  'fifteen-times',
  'forged-amount',
  'wrong-signature',
] as const
const upOrDown = v.exactOptional(v.picklist(['up', 'down'], 'must be up or down'))

const switchesSchema = v.strictObject({
  notifications: v.exactOptional(v.picklist(NOTIFICATIONS, `must be ${NOTIFICATIONS.join(', ')}`)),
  wechat: upOrDown,
  redis: upOrDown,
  database: upOrDown,
  /** The merchant’s own system, which receives events. */
  receiver: v.exactOptional(v.picklist(['answers', 'hangs'], 'must be answers or hangs')),
  /** The protocol of new orders. */
  protocol: v.exactOptional(v.picklist(['v2', 'v3'], 'must be v2 or v3')),
})

export type Switches = Required<v.InferOutput<typeof switchesSchema>>
type Name = keyof Switches

type Faults = Omit<Switches, 'protocol'>

/** The values without a fault. */
const usual: Faults = {
  notifications: 'as-usual',
  wechat: 'up',
  redis: 'up',
  database: 'up',
  receiver: 'answers',
}

export interface SwitchesView {
  readonly switches: Switches
  /** Why a switch is refused. Other switches have no entry. */
  readonly refused: Readonly<Partial<Record<Name, string>>>
}

/** The variables that name the service of a switch. */
const namedBy: Readonly<Record<Name, readonly string[]>> = {
  notifications: ['WECHAT_PAY_URL'],
  wechat: ['WECHAT_PAY_URL', 'WECHAT_API_URL'],
  redis: ['UPSTASH_REDIS_REST_URL', 'KV_REST_API_URL'],
  database: ['DATABASE_URL'],
  receiver: ['ORDER_WEBHOOK_URL'],
  protocol: ['WECHAT_PAY_URL'],
}
const names: readonly Name[] = [
  'notifications',
  'wechat',
  'redis',
  'database',
  'receiver',
  'protocol',
]

export interface SwitchedWorld {
  /** The environment before the world completed it. */
  readonly given: Environment
  readonly simulator: Simulator | undefined
  readonly faults: Readonly<Record<'wechat' | 'redis' | 'database' | 'receiver', Fault>>
  readonly protocol: {
    get(): Switches['protocol']
    /** New orders use this protocol. */
    set(protocol: Switches['protocol']): void
  }
}

export interface WorldSwitches {
  readonly routes: readonly Route[]
  /** Whether any fault is on. */
  readonly areOn: () => boolean
  /** The faults that a switch turned on. */
  readonly switchedOn: () => SwitchedOn
}

export function createSwitches({
  given,
  simulator,
  faults,
  protocol,
}: SwitchedWorld): WorldSwitches {
  const refused = Object.fromEntries(
    names.flatMap((name) => {
      const variable = namedBy[name].find((one) => readVariable(given, one) !== undefined)
      return variable === undefined
        ? []
        : [[name, `${variable} names a real service, and this switch is for the simulated one`]]
    }),
  )
  let notifications: Exclude<Switches['notifications'], 'as-usual'> | null = null
  const { notifications: _, ...up } = usual
  const state: Omit<Faults, 'notifications'> = { ...up }

  const view = (): SwitchesView => ({
    switches: {
      ...state,
      // `DELETE /wechat/control/faults` ends this fault, too.
      notifications:
        notifications !== null && simulator?.hasFault(notificationFaults[notifications]) === true
          ? notifications
          : 'as-usual',
      protocol: protocol.get(),
    },
    refused,
  })

  const switchedOn = (): SwitchedOn => {
    const { switches } = view()
    return (['notifications', 'wechat', 'redis', 'database', 'receiver'] as const)
      .filter((name) => switches[name] !== usual[name])
      .map((name) => `${name}=${switches[name]}`)
  }

  const notify = (as: Switches['notifications']): void => {
    if (notifications !== null) simulator?.behave(notificationFaults[notifications])
    notifications = as === 'as-usual' ? null : as
    if (notifications !== null) simulator?.misbehave(notificationFaults[notifications])
  }
  const turn = (name: 'wechat' | 'redis' | 'database', to: 'up' | 'down'): void => {
    state[name] = to
    faults[name][to]()
  }
  const setReceiver = (to: Switches['receiver']): void => {
    state.receiver = to
    // A request that hangs is not answered when the switch goes back: its sender has given up.
    faults.receiver[to === 'hangs' ? 'stall' : 'up']()
  }

  const change = (changes: v.InferOutput<typeof switchesSchema>): SwitchesView => {
    for (const name of names)
      if (changes[name] !== undefined && refused[name] !== undefined)
        throw new Conflict(`${name}: ${refused[name]}`)
    if (changes.notifications !== undefined) notify(changes.notifications)
    if (changes.wechat !== undefined) turn('wechat', changes.wechat)
    if (changes.redis !== undefined) turn('redis', changes.redis)
    if (changes.database !== undefined) turn('database', changes.database)
    if (changes.receiver !== undefined) setReceiver(changes.receiver)
    if (changes.protocol !== undefined) protocol.set(changes.protocol)
    return view()
  }

  return {
    routes: [
      plain(
        'GET',
        '/switches',
        'the switches of the world, and the reasons of those that are refused',
        view,
      ),
      taking(
        'POST',
        '/switches',
        'sets the switches notifications, wechat, redis, database, receiver and protocol, and answers all of them',
        { schema: switchesSchema, example: { notifications: 'as-usual', redis: 'up' } },
        change,
      ),
    ],
    areOn: () => switchedOn().length > 0 || simulator?.hasFault() === true,
    switchedOn,
  }
}
