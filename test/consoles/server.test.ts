import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { graphql } from '../../testkit/generated/index.ts'
import { sharedApp, type SharedApp } from '../../testkit/shared.ts'

let app: SharedApp
beforeAll(async () => {
  app = await sharedApp()
})
afterAll(() => app.close())

const Info = graphql(`
  query ConsolesServerInfo {
    serverInfo {
      version
      fronts
      stateMachines {
        type
        initial
        final
        transitions {
          from
          to
          event
        }
      }
    }
    states: __type(name: "ServiceStatus") {
      enumValues {
        name
      }
    }
    versions: __type(name: "VersionStatus") {
      enumValues {
        name
      }
    }
  }
`)

test('the server publishes its version and the state machines its mutations are held to', async () => {
  const { serverInfo, states, versions } = await app.admin.request(Info)
  const packageJson = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  expect(packageJson).toContain(`"version": "${serverInfo.version}"`)
  // those that it answers for, and no other that the schema knows
  const docs = await (await fetch(`${app.url}/docs`)).text()
  const told = [...docs.matchAll(/href="\/(\w+)\/docs"/g)].map(([, name]) => name?.toUpperCase())
  expect(serverInfo.fronts).toEqual(told)
  expect(told).toContain('ABEJA')
  const byType = new Map(serverInfo.stateMachines.map((machine) => [machine.type, machine]))
  const service = byType.get('ProcessService')
  expect(service?.initial).toBe('STARTING')
  expect(service?.transitions).toContainEqual({ from: 'FAILED', to: 'STARTING', event: 'start' })
  expect(service?.transitions).not.toContainEqual(
    expect.objectContaining({ from: 'READY', event: 'start' }),
  )
  const version = byType.get('DeploymentVersion')
  expect(version?.initial).toBe('AWAITING_ARCHIVE')
  // every state that is told is one the schema knows
  for (const [machine, known, final] of [
    [service, states, []],
    [version, versions, ['READY']],
  ] as const) {
    const names = known?.enumValues?.map(({ name }) => name)
    for (const { from, to } of machine?.transitions ?? [])
      expect(names).toEqual(expect.arrayContaining([from, to]))
    expect(machine?.final).toEqual(final)
  }
})

test('whoever has no credential is told nothing of the server', async () => {
  const { data, errors } = await app.stranger.execute(Info)
  expect(data?.serverInfo).toBeUndefined()
  expect(errors?.[0]?.extensions?.code).toBe('UNAUTHENTICATED')
})
