"""Reads schema.graphql, and sends a mutation and a query that the DSL of gql makes of it."""
import sys

from gql import Client
from gql.dsl import DSLInlineFragment, DSLMutation, DSLQuery, DSLSchema, dsl_gql
from gql.transport.requests import RequestsHTTPTransport

schema, url, token, name = sys.argv[1:]
transport = RequestsHTTPTransport(url, headers={'authorization': 'Bearer ' + token})
with open(schema) as file:
    client = Client(schema=file.read(), transport=transport)
ds = DSLSchema(client.schema)
success, error = ds.CreateProjectSuccess, ds.UserError
create = ds.Mutation.createProject(input={'name': name}).select(
    DSLInlineFragment().on(success).select(success.project.select(ds.Project.id, ds.Project.createdAt)),
    DSLInlineFragment().on(error).select(error.code, error.message),
)
with client as session:
    made = session.execute(dsl_gql(DSLMutation(create)))['createProject']['project']
    projects = ds.Query.projects(first=10).select(ds.ProjectConnection.nodes.select(ds.Project.id, ds.Project.name))
    nodes = session.execute(dsl_gql(DSLQuery(projects)))['projects']['nodes']
print(next(node['name'] for node in nodes if node['id'] == made['id']))
