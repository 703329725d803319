import type { Stage } from './stage.ts'
import { text } from './stage.ts'

const HOUR_MS = 3_600_000

/**
 * The payer complains, and the shop replies and finishes in time. Returns true if WeChat pays
 * nothing back.
 */
export async function answerComplaint(
  { world, wechat, call, step, scene, sleep }: Stage,
  outTradeNo: string,
): Promise<boolean> {
  const { MERCHANT_API_KEY: merchant } = world.env
  const complaints = '/api/console/complaints'
  const filed = await scene(
    'the payer complains to WeChat',
    'WeChat calls /api/notify',
    async () => {
      const { complaintId } = wechat.complain({ outTradeNo, detail: '拿铁洒了' })
      return { complaintId, notificationsSent: await wechat.tick() }
    },
  )
  const complaintId = text(filed, 'complaintId')
  const listed = await step('the complaint, with both deadlines', () =>
    call('GET', `${complaints}?state=PENDING`, merchant),
  )
  sleep(HOUR_MS)
  const act = (body: object) => call('POST', complaints, merchant, { complaintId, ...body })
  await step('the reply, within 24 hours', () =>
    act({ action: 'reply', content: '非常抱歉，已为您重做一杯' }),
  )
  const finished = await step('the end, within 72 hours', () => act({ action: 'finish' }))
  sleep(72 * HOUR_MS)
  const events = world.events.filter(({ body }) => body.includes(complaintId))
  return (
    JSON.stringify(listed).includes(complaintId) &&
    finished['state'] === 'PROCESSED' &&
    events.length === 1 &&
    wechat.complaints().every(({ paidBackAt }) => paidBackAt === null)
  )
}
