/** The servers of the world: their addresses, their deadlines and how each refuses a request. */
import type { Fault as SimulatorFault } from '../../dev/wechat/faults.ts'
import type { Random } from './random.ts'
import { toSimulatorFault } from './faults.ts'
import { nameCall, type WechatCall } from './wechat-calls.ts'
import type { Server } from './network.ts'

type Answer = (request: Request) => Promise<Response>

export interface Backends {
  readonly database: Answer
  readonly redis: Answer
  /** Applies the fault to this request only. */
  readonly wechat: (request: Request, fault: SimulatorFault | null) => Promise<Response>
  readonly merchant: Answer
  /** The names of our functions. */
  readonly functions: ReadonlySet<string>
  readonly run: (name: string, request: Request, random: Random) => Promise<Response>
}

/** Finds the server at an address; null for an unknown address. */
export function findServer(backends: Backends, { pathname }: URL): Server | null {
  const parts = pathname.split('/')
  const last = parts.at(-1) ?? ''
  const unsigned = { name: last, isSigned: false, isRepeatable: true, isAffectedBy: () => false }
  switch (parts[1]) {
    case 'stand-ins':
      return parts[2] === 'neon'
        ? {
            ...unsigned,
            target: 'database',
            prefix: '/stand-ins/neon',
            lateMs: 5_500,
            answer: backends.database,
            refuse: (random) =>
              Response.json(
                {
                  message: 'no',
                  code: random.pick(['57P03', '53300', '40001', '40P01', '08006', '']),
                },
                { status: 400 },
              ),
            refuseWrite: async (request, random) =>
              /\b(?:insert|update|delete)\b/i.test(await request.text())
                ? Response.json(
                    { message: 'no', code: random.pick(['25006', '53100', '42501']) },
                    { status: 400 },
                  )
                : null,
          }
        : {
            ...unsigned,
            target: 'redis',
            prefix: '/stand-ins/upstash',
            lateMs: 1_100,
            answer: backends.redis,
            refuse: () =>
              Response.json({ error: 'ERR max daily request limit exceeded' }, { status: 429 }),
          }
    // The address of a file, which the simulator names without the prefix.
    case 'v3':
    case 'wechat': {
      const call = nameCall(pathname)
      return {
        target: 'wechat',
        name: call.name,
        prefix: parts[1] === 'v3' ? '' : '/wechat',
        lateMs: 7_500,
        isSigned: toSimulatorFault('wrong key', call) !== null,
        // WeChat shows a repeated reply twice, and its call takes no key. TLS lets no copy of a
        // request through, so only its sender could repeat it.
        isRepeatable: !isReply(pathname),
        isAffectedBy: (fault) => toSimulatorFault(fault, call) !== null,
        answer: (request, fault) =>
          backends.wechat(request, fault === null ? null : toSimulatorFault(fault, call)),
        refuse: (random) => refuseUnsigned(call, random),
      }
    }
    case 'merchant':
      return {
        ...unsigned,
        target: 'merchant',
        prefix: '',
        lateMs: 10_500,
        answer: backends.merchant,
        refuse: (random) => {
          const status = random.pick([302, 307, 400, 404, 500, 503])
          const headers = status < 400 ? { location: '/merchant/elsewhere' } : {}
          return new Response(null, { status, headers })
        },
      }
    case 'api': {
      // The function of the console has several parts, such as `/api/console/complaints`.
      const name = parts[2] ?? ''
      if (!backends.functions.has(name)) return null
      return {
        ...unsigned,
        name,
        target: name === 'notify' ? 'notify' : 'function',
        prefix: '',
        lateMs: 5_500,
        answer: (request, _, random) => backends.run(name, request, random),
        refuse: () => new Response(null, { status: 503 }),
      }
    }
    default:
      return null
  }
}

const isReply = (pathname: string) => /\/complaints-v2\/[^/]+\/response$/.test(pathname)

/** A refusal without a signature. It may name a code that decides something when it is signed. */
function refuseUnsigned({ protocol, name }: WechatCall, random: Random): Response {
  if (protocol === 'v2' || name === 'certificates' || random.chance(0.5))
    return new Response('busy', { status: random.pick([429, 500, 502, 503]) })
  const [status, code] = random.pick([
    [500, 'SYSTEM_ERROR'],
    [400, 'ORDER_CLOSED'],
    [404, 'ORDER_NOT_EXIST'],
    [404, 'RESOURCE_NOT_EXISTS'],
    [403, 'NOT_ENOUGH'],
  ] as const)
  return Response.json({ code, message: 'no' }, { status })
}
