import { useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks'
import { LanguageSwitch, useTexts } from '../base/language.tsx'
import type { Client } from './client.ts'
import { goTo, hrefOf, useRoute, VIEWS } from './route.ts'
import { SessionProvider } from './session.tsx'
import { useOnline } from './use-online.ts'
import { CurrentView } from './current-view.tsx'

const texts = {
  title: ['Console', '商户控制台'],
  search: ['Search', '搜索'],
  searchFor: [
    'Order, payment or refund number, openid or phone number',
    '订单号、支付单号、退款单号、openid 或手机号',
  ],
  find: ['Find', '查找'],
  views: ['Views', '栏目'],
  overview: ['Overview', '总览'],
  orders: ['Orders', '订单'],
  shipments: ['Shipments', '发货'],
  complaints: ['Complaints', '投诉'],
  incidents: ['Incidents', '异常'],
  events: ['Events', '事件'],
  bills: ['Bills', '对账'],
  catalogue: ['Catalogue', '商品'],
  mayAct: ['Allow actions', '允许操作'],
  readsOnly: ['This page is read-only.', '本页目前只读。'],
  acts: ['This page offers actions.', '本页目前可以执行操作。'],
  mayActMeans: [
    'The switch prevents accidental actions. It is not access control: the key permits every action.',
    '此开关仅防误触，不是权限控制：持有密钥即可执行所有操作。',
  ],
  lock: ['Lock', '锁定'],
  offline: ['This browser is offline.', '浏览器当前处于离线状态。'],
} as const

interface Props {
  readonly client: Client
  readonly lock: () => void
}

/** The frame around every view: search, navigation, and the switch for actions. */
export function SignedIn({ client, lock }: Props) {
  const say = useTexts(texts)
  const route = useRoute()
  const [mayAct, setMayAct] = useState(false)
  const [typed, setTyped] = useState('')
  const [searched, setSearched] = useState('')
  const isOnline = useOnline()
  const session = useMemo(() => ({ client, mayAct }), [client, mayAct])
  const main = useRef<HTMLElement>(null)
  useLayoutEffect(() => main.current?.focus(), [route.view, route.id])
  const search = (event: Event) => {
    event.preventDefault()
    if (typed.trim() === '') return
    setSearched(typed.trim())
    goTo('search')
  }
  return (
    <SessionProvider value={session}>
      <header class="top">
        <p class="brand">{say('title')}</p>
        <form role="search" onSubmit={search} autocomplete="off">
          <input
            type="search"
            aria-label={say('search')}
            placeholder={say('searchFor')}
            maxLength={128}
            value={typed}
            onInput={(event) => setTyped(event.currentTarget.value)}
          />
          <button type="submit">{say('find')}</button>
        </form>
        <div class="row">
          <label class="switch">
            <input
              type="checkbox"
              role="switch"
              checked={mayAct}
              aria-describedby="may-act-means"
              onChange={(event) => setMayAct(event.currentTarget.checked)}
            />
            {say('mayAct')}
          </label>
          <LanguageSwitch />
          <button type="button" onClick={lock}>
            {say('lock')}
          </button>
        </div>
        <p id="may-act-means" class={mayAct ? 'act-note on' : 'act-note'}>
          {say(mayAct ? 'acts' : 'readsOnly')} {say('mayActMeans')}
        </p>
      </header>
      <nav aria-label={say('views')}>
        {VIEWS.map((view) => (
          <a
            key={view}
            href={hrefOf(view)}
            {...(view === route.view ? { 'aria-current': 'page' as const } : {})}
          >
            {say(view)}
          </a>
        ))}
      </nav>
      <main ref={main} tabIndex={-1}>
        {!isOnline && (
          <p class="box warn" role="status">
            {say('offline')}
          </p>
        )}
        <CurrentView route={route} searched={searched} />
      </main>
    </SessionProvider>
  )
}
