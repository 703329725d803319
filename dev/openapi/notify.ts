/** The function that WeChat calls, with XML. */
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

const acknowledgement = (description: string, shown: object) => ({
  description,
  headers: alwaysSent,
  content: {
    'text/xml': { schema: { $ref: '#/components/schemas/Acknowledgement' }, examples: shown },
  },
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
    'Only WeChat calls this function. A message is accepted only with WeChat’s signature. The sender of any other message learns only that it was not accepted. WeChat repeats a message until the answer is SUCCESS.',
  security: [],
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
    },
  },
  responses: {
    200: acknowledgement('Accepted or not', {
      taken,
      ...answerExamples(examples.handleNotification, 200),
    }),
    413: acknowledgement('Larger than 64 KiB', { notTaken }),
  },
  'x-codeSamples': examples.handleNotification.map((example) =>
    curl('/api/notify', 'post', example),
  ),
}
