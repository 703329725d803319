/**
 * The function that WeChat calls: WeChat Pay with XML in v2 and with JSON in APIv3, and the message
 * push of the Mini Program with either.
 */
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

const acknowledgement = (description: string, content: object) => ({
  description,
  headers: alwaysSent,
  content,
})

/** The query of message push. WeChat Pay sends its notifications without a query. */
const pushQuery = [
  ['signature', 'Hex SHA-1 of the token, `timestamp` and `nonce`, sorted and joined'],
  ['timestamp', 'In seconds. At most five minutes from now'],
  ['nonce', ''],
  ['encrypt_type', '`aes` if the body is encrypted'],
  ['msg_signature', 'Like `signature`, and it covers the field `Encrypt`'],
  ['openid', 'The user that the message is about'],
] as const
const inQuery = ([name, description]: readonly [name: string, description: string]) => ({
  name,
  in: 'query',
  required: false,
  description: `In message push only.${description === '' ? '' : ` ${description}`}`,
  schema: text,
})

const inText = (shown: object) => ({ 'text/plain': { schema: text, examples: shown } })
const pushed = { pushed: { summary: 'Accepted: a message of message push', value: 'success' } }
const refusedPush = {
  refusedPush: { summary: 'Message push: not accepted', value: 'not accepted' },
}
const notConfigured = acknowledgement(
  'Message push: not possible at the moment. The text names a variable that is missing',
  inText({
    notConfigured: { summary: 'A variable is missing', value: 'WECHAT_PUSH_TOKEN is not set' },
  }),
)

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
  summary: 'WeChat reports a payment or a refund, or pushes a message',
  description:
    'Only WeChat calls this function. A message is accepted only with WeChat’s signature. The sender of any other message learns only that it was not accepted. The answer has the form of the message. v2: XML with the status 200; WeChat repeats a message until `return_code` is SUCCESS. APIv3: JSON; WeChat repeats a message until the status is 200 or 204. Message push: text. WeChat sends a message up to three times until the answer is `success`. A pushed message is only a hint: WeChat is asked about its order before anything changes.',
  security: [],
  parameters: [...signatureHeaders, ...pushQuery.map(inQuery)],
  requestBody: {
    required: true,
    description: 'At most 64 KiB.',
    content: {
      'text/xml': {
        schema: {
          anyOf: [
            { title: 'A payment, signed', ...fields(PAYMENT) },
            { title: 'A refund, encrypted', ...fields(REFUND) },
            { title: 'A pushed message', ...fields([]) },
          ],
        },
      },
      'application/json': {
        schema: {
          anyOf: [
            {
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
            {
              title: 'A pushed message',
              type: 'object',
              properties: {
                Encrypt: { ...text, description: 'Encrypted with EncodingAESKey (AES-256-CBC)' },
              },
            },
          ],
        },
      },
    },
  },
  responses: {
    200: acknowledgement('v2: accepted or not. APIv3: accepted', {
      ...inXml({ taken, ...answerExamples(examples.handleNotification, 200) }),
      ...inJson('SUCCESS', 'Accepted: the payment or refund is in the ledger'),
      ...inText(pushed),
    }),
    400: acknowledgement(
      'APIv3: the message is not WeChat’s, or it contradicts the ledger. Message push: it is not WeChat’s',
      { ...inJson('FAIL', 'The answer to any sender except WeChat'), ...inText(refusedPush) },
    ),
    413: acknowledgement('Larger than 64 KiB', {
      ...inXml({ notTaken }),
      ...inJson('FAIL', 'Not accepted'),
      ...inText(refusedPush),
    }),
    500: acknowledgement(
      'APIv3: not possible at the moment. WeChat sends the message again',
      inJson('FAIL', 'Not accepted'),
    ),
    503: notConfigured,
  },
  'x-codeSamples': examples.handleNotification.map((example) =>
    curl('/api/notify', 'post', example),
  ),
}

export const checkPushAddress = {
  operationId: 'checkPushAddress',
  summary: 'WeChat checks the address for message push',
  description:
    'WeChat calls it when the address is entered in the console of the Mini Program. A call without `signature`, `timestamp` and `nonce` is answered like a notification that is not WeChat’s.',
  security: [],
  parameters: [
    ...pushQuery.slice(0, 3).map(inQuery),
    inQuery(['echostr', 'The text to send back']),
  ],
  responses: {
    200: acknowledgement('The text of `echostr`. APIv2 without the query: not accepted', {
      ...inText({ echo: { summary: 'Accepted', value: '4375120948345356249' } }),
      ...inXml({ notTaken }),
    }),
    400: acknowledgement('Not accepted', {
      ...inText(answerExamples(examples.checkPushAddress, 400)),
      ...inJson('FAIL', 'APIv3 without the query'),
    }),
    503: notConfigured,
  },
  'x-codeSamples': examples.checkPushAddress.map((example) => curl('/api/notify', 'get', example)),
}
