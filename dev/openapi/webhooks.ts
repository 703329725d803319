/** The events at `ORDER_WEBHOOK_URL`, as the Standard Webhooks specification describes them. */
import { events } from './answers.ts'
import { toComponents } from './convert.ts'

const header = (name: string, description: string, pattern: string) => ({
  name,
  in: 'header',
  required: true,
  description,
  schema: { type: 'string', pattern },
})

const parameters = [
  header(
    'webhook-id',
    'The same for every repetition of an event: deduplicate by it',
    '^evt_[0-9a-f]{32}$',
  ),
  header('webhook-timestamp', 'When this delivery was signed, in Unix seconds', '^\\d{10}$'),
  header(
    'webhook-signature',
    'Verify it with a library of Standard Webhooks and `ORDER_WEBHOOK_SECRET`',
    '^v1,[A-Za-z0-9+/]{43}=$',
  ),
]

export const webhooks = Object.fromEntries(
  Object.entries(toComponents(events)).map(([type, { description, ...schema }]) => [
    type,
    {
      post: {
        operationId: type,
        summary: description,
        security: [],
        parameters,
        requestBody: { required: true, content: { 'application/json': { schema } } },
        responses: {
          '2XX': { description: 'Accepted.' },
          '410': { description: 'This event is not sent again. A person must look at it.' },
          default: {
            description:
              'The event is sent again after growing pauses, for three days. After 429 and 503 it is not sent before `Retry-After`.',
          },
        },
      },
    },
  ]),
)
