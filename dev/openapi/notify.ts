/** The function that WeChat calls, with XML in v2 and with JSON in APIv3. */
import { curl } from './curl.ts'
import { examples } from './examples.ts'
import { alwaysSent, answerExamples } from './responses.ts'

const text = { type: 'string' }
const fields = (names: readonly string[]) => ({
  type: 'object',
  xml: { name: 'xml' },
  required: names,
  properties: Object.fromEntries(names.map((name) => [name, text])),
  additionalProperties: text,
})

const PAYMENT =
  'return_code result_code appid mch_id nonce_str sign out_trade_no transaction_id total_fee time_end'.split(
    ' ',
  )
const REFUND = 'return_code appid mch_id nonce_str req_info'.split(' ')

const EVENT = 'id create_time event_type resource_type summary resource'.split(' ')
const RESOURCE = 'algorithm ciphertext nonce original_type'.split(' ')

/** The headers of an APIv3 notification. Its signature covers the first two and the body. */
const signatureHeaders = ['Timestamp', 'Nonce', 'Serial', 'Signature'].map((name) => ({
  name: `Wechatpay-${name}`,
  in: 'header',
  required: false,
  description: 'In APIv3 only',
  schema: text,
}))

const inXml = (shown: object) => ({
  'text/xml': { schema: { $ref: '#/components/schemas/Acknowledgement' }, examples: shown },
})
const inJson = (code: 'SUCCESS' | 'FAIL', summary: string) => ({
  'application/json': {
    schema: { $ref: '#/components/schemas/JsonAcknowledgement' },
    examples: {
      json: { summary, value: { code, message: code === 'SUCCESS' ? 'OK' : 'NOT TAKEN' } },
    },
  },
})
const acknowledgement = (description: string, content: object) => ({
  description,
  headers: alwaysSent,
  content,
})

const taken = {
  summary: 'Accepted: the payment or refund is in the ledger',
  value: { return_code: 'SUCCESS', return_msg: 'OK' },
}
const notTaken = {
  summary: 'Not accepted',
  value: { return_code: 'FAIL', return_msg: 'NOT TAKEN' },
}

export const notify = {
  operationId: 'handleNotification',
  summary: 'WeChat reports a payment or a refund',
  description:
    'Only WeChat calls this function. A message is accepted only with WeChat’s signature. The sender of any other message learns only that it was not accepted. The answer has the form of the message. v2: XML with the status 200; WeChat repeats a message until `return_code` is SUCCESS. APIv3: JSON; WeChat repeats a message until the status is 200 or 204.',
  security: [],
  parameters: signatureHeaders,
  requestBody: {
    required: true,
    description: 'At most 64 KiB.',
    content: {
      'text/xml': {
        schema: {
          anyOf: [
            { title: 'A payment, signed', ...fields(PAYMENT) },
            { title: 'A refund, encrypted', ...fields(REFUND) },
          ],
        },
      },
      'application/json': {
        schema: {
          title: 'A payment or a refund in APIv3, signed in its headers',
          type: 'object',
          required: EVENT,
          properties: {
            ...Object.fromEntries(EVENT.map((name) => [name, text])),
            resource: {
              type: 'object',
              description: 'Encrypted with the APIv3 key (AES-256-GCM)',
              required: RESOURCE,
              properties: Object.fromEntries(RESOURCE.map((name) => [name, text])),
            },
          },
        },
      },
    },
  },
  responses: {
    200: acknowledgement('v2: accepted or not. APIv3: accepted', {
      ...inXml({ taken, ...answerExamples(examples.handleNotification, 200) }),
      ...inJson('SUCCESS', 'Accepted: the payment or refund is in the ledger'),
    }),
    400: acknowledgement(
      'APIv3: the message is not WeChat’s, or it contradicts the ledger',
      inJson('FAIL', 'The answer to any sender except WeChat'),
    ),
    413: acknowledgement('Larger than 64 KiB', {
      ...inXml({ notTaken }),
      ...inJson('FAIL', 'Not accepted'),
    }),
    500: acknowledgement(
      'APIv3: not possible at the moment. WeChat sends the message again',
      inJson('FAIL', 'Not accepted'),
    ),
  },
  'x-codeSamples': examples.handleNotification.map((example) =>
    curl('/api/notify', 'post', example),
  ),
}
