/** The shop on the left, the wire on the right. A narrow screen shows one of them at a time. */
import { useState } from 'preact/hooks'
import type { Exchange } from '../../world/feed.ts'
import { LanguageSwitch, useTexts } from '../base/language.tsx'
import { Phone } from './phone/phone.tsx'
import { InvariantRow } from './switches/invariants.tsx'
import { SwitchPanel } from './switches/switches.tsx'
import { useSwitches } from './switches/use-switches.ts'
import { worldTexts } from './texts.ts'
import { useFeed } from './wire/feed.ts'
import { Wire } from './wire/wire.tsx'
import './world.css'

const views = ['phone', 'wire', 'switches'] as const

export function World() {
  const say = useTexts(worldTexts)
  const feed = useFeed()
  const switches = useSwitches(feed.state === 'live')
  const [outTradeNo, setOutTradeNo] = useState<string | null>(null)
  const [view, setView] = useState<(typeof views)[number]>('phone')
  const latest = feed.exchanges.at(-1)
  return (
    <div class={`world shows-${view}`}>
      <header class="world-bar">
        <div>
          <h1>{say('title')}</h1>
          <p class="hint">{say('subtitle')}</p>
        </div>
        <nav>
          <a href="/console">{say('console')}</a>
          <a class="optional" href="/deployed">
            {say('deployed')}
          </a>
          <a class="optional" href="/openapi.json">
            {say('api')}
          </a>
          <LanguageSwitch />
        </nav>
      </header>
      <nav class="views" aria-label={say('views')}>
        {views.map((name) => (
          <button
            key={name}
            type="button"
            aria-current={name === view ? 'page' : undefined}
            onClick={() => setView(name)}
          >
            {say(name)}
          </button>
        ))}
      </nav>
      <main class="world-parts">
        <Phone
          revision={revisionOf(feed.exchanges)}
          onOrder={setOutTradeNo}
          isWechatReal={switches.refused['wechat'] !== undefined}
        />
        <div class="right">
          <InvariantRow revision={`${latest?.id} ${latest?.state}`} />
          <SwitchPanel {...switches} outTradeNo={outTradeNo} />
          <Wire {...feed} />
        </div>
      </main>
    </div>
  )
}

/**
 * Changes when WeChat or the merchant has sent the functions a message, because an order in
 * the shop may look different then. The shop's own requests must not change it.
 */
const revisionOf = (exchanges: readonly Exchange[]): number =>
  exchanges.findLast(
    ({ from, to, state }) =>
      to === 'functions' && state === 'answered' && (from === 'wechat' || from === 'merchant'),
  )?.id ?? 0
