import { deliverNotifications } from './notifications.ts'
import { expectThat, text, type Stage } from './stage.ts'

const HOUR_MS = 3_600_000

/** The payer complains, and the shop replies and finishes in time. */
export async function answerComplaint(
  { world, wechat, call, step, scene, sleep }: Stage,
  outTradeNo: string,
): Promise<void> {
  const { MERCHANT_API_KEY: merchant } = world.env
  const complaints = '/api/console/complaints'
  const filed = await scene(
    'the payer complains to WeChat',
    'WeChat calls /api/notify',
    async () => {
      const { complaintId } = wechat.complain({ outTradeNo, detail: '拿铁洒了' })
      return { complaintId, ...(await deliverNotifications(wechat, outTradeNo)) }
    },
    ({ complaintId }) =>
      expectThat(
        world.env['QSTASH_TOKEN'] !== undefined ||
          world.events.filter(({ body }) => body.includes(String(complaintId))).length === 1,
        'the merchant’s system received one complaint.created',
      ),
  )
  const complaintId = text(filed, 'complaintId')
  await step(
    'the complaint',
    () => call('GET', `${complaints}?state=PENDING`, merchant),
    (listed) =>
      expectThat(JSON.stringify(listed).includes(complaintId), 'listed with both deadlines'),
  )
  sleep(HOUR_MS)
  const act = (body: object) => call('POST', complaints, merchant, { complaintId, ...body })
  await step(
    'the reply',
    () => act({ action: 'reply', content: '非常抱歉，已为您重做一杯' }),
    ({ state }) => expectThat(state === 'PROCESSING', 'within 24 hours'),
  )
  await step(
    'the end of the complaint',
    () => act({ action: 'finish' }),
    ({ state }) => expectThat(state === 'PROCESSED', 'within 72 hours'),
  )
  sleep(72 * HOUR_MS)
  expectThat(
    wechat.complaints().every(({ paidBackAt }) => paidBackAt === null),
    'WeChat does not refund the payer',
  )
}
