import { useTexts } from '../base/language.tsx'
import { readOrders, type Order } from './answers.ts'
import { ListView } from './list-view.tsx'
import { useOrderColumns } from './order-columns.tsx'
import { useSession } from './session.tsx'

const texts = {
  title: ['Search results', '搜索结果'],
  empty: [
    'Nothing was found. Enter the complete number: the search is exact.',
    '没有找到。请输入完整的号码，搜索为精确匹配。',
  ],
  enter: ['Enter a number in the search box.', '请在搜索框中输入号码。'],
} as const

/** The text is sent in the body of the request, because it may be a phone number. */
export function SearchView({ text }: { readonly text: string }) {
  const say = useTexts(texts)
  const { client } = useSession()
  const columns = useOrderColumns()
  if (text === '') return <p class="empty">{say('enter')}</p>
  return (
    <ListView<Order>
      title={say('title')}
      empty={say('empty')}
      columns={columns}
      filter={text}
      file="orders-found"
      rowKey={({ outTradeNo }) => outTradeNo}
      load={(cursor, limit) =>
        client.send(
          'POST',
          '/api/console/search',
          { text, limit, ...(cursor === null ? {} : { cursor }) },
          readOrders,
        )
      }
    />
  )
}
