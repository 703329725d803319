/** Faults of message push: the deployment has another token, or none. */
import type { Row } from './row.ts'

export const push: readonly Row[] = [
  ['nothing', 'push', 'accepted', 'ok', 'the deployment accepts WECHAT_PUSH_TOKEN', () => ({})],
  [
    'another token than the deployment’s',
    'push',
    'refused',
    'wrong',
    'the deployment has another WECHAT_PUSH_TOKEN, or the clock of this machine is wrong',
    (setup) => setup.changed({ WECHAT_PUSH_TOKEN: 'AnotherToken' }),
  ],
  [
    'a deployment without the token',
    'push',
    'not_set',
    'wrong',
    'the deployment has no WECHAT_PUSH_TOKEN',
    (setup) => {
      setup.site.answerWith(() => ({ status: 503, body: 'WECHAT_PUSH_TOKEN is not set' }))
      return setup.changed({ PUBLIC_URL: setup.site.url })
    },
  ],
  [
    'a site that answers with its page',
    'push',
    'no_answer',
    'unknown',
    'the deployment did not answer a check of message push',
    (setup) => {
      setup.site.answerWith(() => ({ body: '<html></html>' }))
      return setup.changed({ PUBLIC_URL: setup.site.url })
    },
  ],
  [
    'a host without a server',
    'push',
    'no_answer',
    'unknown',
    'the deployment did not answer a check of message push',
    (setup) => setup.changed({ PUBLIC_URL: setup.nowhere }),
  ],
]
