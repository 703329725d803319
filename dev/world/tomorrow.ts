/** The next morning: all clocks of the world move on, cron runs, and the bill is compared. */
import * as v from 'valibot'
import { dayOf } from '../../lib/core/day.ts'
import { toRfc3339 } from '../../lib/core/time.ts'
import { msUntilTomorrowMorning } from '../wechat/control.ts'
import { Conflict, plain, type Route } from '../wechat/control-route.ts'
import type { Simulator } from '../wechat/simulator.ts'

interface Tomorrow {
  readonly url: string
  readonly cronSecret: string
  readonly simulator: Simulator | undefined
}

const answer = v.pipe(v.string(), v.parseJson(), v.record(v.string(), v.unknown()))

export interface Morning {
  /** The new time. */
  readonly now: string
  /** The answer of `/api/cron`: the counts of its work, or its problem. */
  readonly cron: Readonly<Record<string, unknown>>
  /** The bill of the day before, as WeChat writes it. Null if nothing was paid or refunded. */
  readonly bill: { readonly day: string; readonly text: string } | null
  /** The answer of `/api/cron` for this day: the comparison of the bill, or its problem. */
  readonly comparison: Readonly<Record<string, unknown>> | null
}

export function createTomorrow({ url, cronSecret, simulator }: Tomorrow): Route {
  const callCron = async (query: string) => {
    const response = await fetch(`${url}/api/cron${query}`, {
      headers: { authorization: `Bearer ${cronSecret}` },
    })
    return v.parse(answer, await response.text())
  }
  return plain(
    'POST',
    '/tomorrow-morning',
    'moves every clock to 11:00 of the next day in Beijing, runs cron, and answers the bill and its comparison',
    async (): Promise<Morning> => {
      if (simulator === undefined) throw new Conflict('there is no simulated WeChat')
      const day = dayOf(new Date())
      simulator.advance(msUntilTomorrowMorning(Date.now()))
      const cron = await callCron('')
      const text = simulator.bill(day)
      return {
        now: toRfc3339(new Date()),
        cron,
        bill: text === null ? null : { day, text },
        comparison: text === null ? null : await callCron(`?bill=${day}`),
      }
    },
  )
}
