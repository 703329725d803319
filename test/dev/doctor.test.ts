/** Brings about every fault that the doctor names, and checks its message. */
import { readdirSync, readFileSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { causes } from '../../dev/doctor/ask.ts'
import { checks } from '../../dev/doctor/checks.ts'
import { settingVerdicts } from '../../dev/doctor/settings.ts'
import { openDoctorSetup, type DoctorSetup } from './doctor-setup.ts'
import { api, apiAnswers, openWork } from './doctor-faults/api.ts'
import { address, events } from './doctor-faults/address.ts'
import { echo } from './doctor-faults/echo.ts'
import { expectFound } from './doctor-faults/expect-found.ts'
import { offline, settings } from './doctor-faults/offline.ts'
import { orderPage, registering } from './doctor-faults/order-page.ts'
import { push } from './doctor-faults/push.ts'
import type { Row } from './doctor-faults/row.ts'
import { shipping } from './doctor-faults/shipping.ts'
import { database, redis } from './doctor-faults/stores.ts'
import { miniProgram, pay, refunds } from './doctor-faults/wechat.ts'

let setup: DoctorSetup
beforeAll(async () => {
  setup = await openDoctorSetup()
})
afterEach(() => setup.recover())
afterAll(() => setup.close())

const withRequests = [
  ...apiAnswers,
  ...miniProgram,
  ...pay,
  ...refunds,
  ...database,
  ...redis,
  ...address,
  ...push,
  ...shipping,
  ...events,
  ...openWork,
]
const withoutRequests = [...offline, ...api, ...settings]

describe('a check with requests finds', () => {
  test.each(withRequests)('%s (%s.%s)', (...row) => expectFound(setup, row, 'examine'))
})

describe('a check without requests finds', () => {
  test.each(withoutRequests)('%s (%s.%s)', (...row) => expectFound(setup, row, 'inspect'))

  test('a check that needs a broken variable is skipped, and names it', async () => {
    const found = await setup.examine('refunds', setup.changed({ WECHAT_APPID: undefined }))
    expect(found.map(({ code, what }) => [code, what])).toContainEqual([
      'not_tested',
      'nothing was asked here: WECHAT_APPID comes first',
    ])
  })

  test('a doubtful value is not called "in form"', async () => {
    const swapped = {
      WECHAT_APPID: '00112233445566778899aabbccddeeff',
      WECHAT_APP_SECRET: 'wx0123456789abcdef',
    }
    const found = setup.inspect('mini-program', setup.changed(swapped))
    expect(found.filter(({ status }) => status === 'ok')).toEqual([])
  })

  test('a wrong variable is reported once', async () => {
    const found = await setup.examine('pay', setup.changed({ WECHAT_PAY_KEY: 'short' }))
    expect(found.filter(({ what }) => what.includes('WECHAT_PAY_KEY'))).toHaveLength(1)
  })
})

describe('each problem names the place to fix it:', () => {
  const whereOf = (code: string, check: string) =>
    checks.find(({ name }) => name === check)?.verdicts[code]?.where ?? ''
  test.each([
    ['pay', 'key_wrong', 'pay.weixin.qq.com → 账户中心 → API安全 → APIv2密钥'],
    ['pay', 'not_bound', 'pay.weixin.qq.com → 产品中心 → AppID账号管理'],
    ['pay', 'no_permission', 'JSAPI支付'],
    ['mini-program', 'secret_wrong', 'mp.weixin.qq.com → 开发管理 → 开发设置'],
    ['mini-program', 'ip_list', 'IP白名单'],
    ['database', 'behind', 'npm run migrate'],
    ['address', 'protected', 'Settings → Deployment Protection'],
    ['address', 'filtered', '/api/notify'],
  ])('%s.%s: %s', (check, code, where) => {
    expect(whereOf(code, check)).toContain(where)
  })
})

describe('the advice for shared secrets is to compare before a reset:', () => {
  test.each([
    ['mini-program', 'secret_wrong'],
    ['pay', 'key_wrong'],
  ])('%s.%s', (check, code) => {
    expect(checks.find(({ name }) => name === check)?.verdicts[code]?.where).toMatch(/^compare /)
  })

  test('the functions advise no reset before a comparison', () => {
    const files = [
      'lib/wechat/login.ts',
      'lib/wechat/shipping-codes.ts',
      'lib/wechat/v2/codes.ts',
      'lib/wechat/v2/refund-codes.ts',
    ]
    const texts = files.flatMap(
      (file) =>
        readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8').match(
          /'[^'\n]*reset[^'\n]*'/g,
        ) ?? [],
    )
    expect(texts.filter((text) => !/compare .* reset/.test(text))).toEqual([])
    expect(texts).not.toEqual([])
  })
})

describe('the tests above cover', () => {
  const codes = (rows: readonly Row[]) => new Set(rows.map(([, check, code]) => `${check}.${code}`))

  test('every verdict of every check', () => {
    const verdicts = checks.flatMap(({ name, verdicts: own }) =>
      Object.keys(own).map((code) => `${name}.${code}`),
    )
    expect(
      codes([...withRequests, ...offline, ...api, ...echo, ...orderPage, ...registering]),
    ).toEqual(new Set(verdicts))
  })

  test('every verdict on a variable', () => {
    expect(new Set([...settings.map(([, , code]) => code), 'not_tested'])).toEqual(
      new Set(Object.keys(settingVerdicts)),
    )
  })

  test('every reason for a missing answer', () => {
    const causesFound = address
      .filter(([, , code]) => code === 'unreachable')
      .map(([, , , , what]) => what.split(': ').slice(1).join(': '))
    expect(new Set(causesFound)).toEqual(new Set(Object.values(causes)))
  })

  test('every refusal of lib/config/', () => {
    const folder = new URL('../../lib/config/', import.meta.url)
    const source = readdirSync(folder)
      .map((name) => readFileSync(new URL(name, folder), 'utf8'))
      .join('\n')
    const words = [...source.matchAll(/'((?:is|has|holds|lacks|must|leads|a|an|at) [^']+)'/g)].map(
      ([, text = '']) => text,
    )
    expect(words.length).toBeGreaterThan(25)
    expect(words.filter((text) => !settings.some(([, , , , what]) => what.includes(text)))).toEqual(
      [],
    )
  })

  test('verdicts, each with its own text', () => {
    const texts = checks.flatMap(({ verdicts }) => Object.values(verdicts).map(({ what }) => what))
    expect(texts.filter((text, index) => texts.indexOf(text) !== index)).toEqual([])
  })
})
