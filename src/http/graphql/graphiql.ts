import { createHash } from 'node:crypto'
import { renderGraphiQL } from '@graphql-yoga/render-graphiql'
import { mustHave } from '../../kit/patch.ts'

type Options = Parameters<typeof renderGraphiQL>[0]

/** The GraphiQL page of this server, whose assets come with the package. */
export interface GraphiQl {
  render(options: Options): string
  /** Headers of the page once it is rendered: it runs its own script and no other, and talks to this server alone. */
  headers(): Record<string, string>
}

/** Renders the page once: it is large, and the same for everybody. */
export function graphiQl(): GraphiQl {
  let page: { readonly html: string; readonly script: string } | undefined
  return {
    render(options) {
      page ??= hashed(renderGraphiQL(options))
      return page.html
    },
    headers: () => ({
      'content-security-policy': [
        "default-src 'none'",
        `script-src '${page?.script}'`,
        "style-src 'unsafe-inline'", // the editor makes styles as it goes
        'img-src data:',
        'font-src data:',
        "connect-src 'self'",
        'worker-src blob:', // parts of the script, which make what the editor says of a document
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
      ].join('; '),
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
    }),
  }
}

/** With the digest by which a policy names its script; browsers read every end of a line as one character. */
function hashed(rendered: string): { html: string; script: string } {
  const html = rendered.replaceAll(/\r\n?/g, '\n')
  const [begin, end] = [html.indexOf('<script>'), html.indexOf('</script>')]
  mustHave(
    '@graphql-yoga/render-graphiql',
    'page with a script of its own',
    0 <= begin && begin < end,
  )
  const script = html.slice(begin + '<script>'.length, end)
  return { html, script: `sha256-${createHash('sha256').update(script).digest('base64')}` }
}
