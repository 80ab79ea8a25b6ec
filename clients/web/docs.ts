/** Renders server/openapi.yaml as static HTML during the build. */

import { readFileSync } from "node:fs";

import { marked } from "marked";
import { parse } from "yaml";

type Item = Record<string, any>;

const DESCRIPTION = new URL("../../server/openapi.yaml", import.meta.url);
const METHODS = ["get", "post", "put", "delete"];

const escape = (text: unknown): string =>
  String(text).replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);

/** Blocks of code scroll sideways, so that the keyboard must reach them. */
const prose = (text: string | undefined): string =>
  text ? String(marked.parse(text)).replaceAll("<pre>", '<pre tabindex="0">') : "";

const line = (text: string | undefined): string => (text ? String(marked.parseInline(text)) : "");

const code = (value: unknown): string =>
  `<pre tabindex="0"><code>${escape(JSON.stringify(value, null, 1).replace(/(?<=[\d,[])\n +(?=[-\d\]])/g, " "))}</code></pre>`;

const anchor = (name: string): string => `schema-${name}`;

const nameOf = (reference: string): string => reference.slice(reference.lastIndexOf("/") + 1);

/** The whole OpenAPI description as HTML. */
export function renderDescription(): string {
  return new Renderer(parse(readFileSync(DESCRIPTION, "utf8"))).render();
}

class Renderer {
  constructor(private readonly document: Item) {}

  render(): string {
    const { info, tags, components } = this.document;
    const contents = tags.map((tag: Item) => this.contents(tag)).join("");
    const sections = tags.map((tag: Item) => this.section(tag)).join("");
    const schemas = Object.entries(components.schemas).map(([name, schema]) =>
      this.schema(name, schema as Item),
    );
    return (
      `<header><h1>${escape(info.title)} ${escape(info.version)}</h1>${prose(info.description)}` +
      `<p><a href="openapi.yaml">openapi.yaml</a>, for generators of clients</p></header>` +
      `<nav aria-label="Operations"><ul>${contents}<li><a href="#schemas">Schemas</a></li></ul></nav>` +
      `<main>${sections}<section><h2 id="schemas">Schemas</h2>${schemas.join("")}</section></main>`
    );
  }

  private contents(tag: Item): string {
    const links = this.operations(tag.name).map(
      ([method, path, operation]) =>
        `<li><a href="#${operation.operationId}">${method.toUpperCase()} ${escape(path)}</a></li>`,
    );
    return `<li>${escape(tag.name)}<ul>${links.join("")}</ul></li>`;
  }

  private section(tag: Item): string {
    const operations = this.operations(tag.name).map((found) => this.operation(...found));
    return `<section><h2>${escape(tag.name)}</h2>${prose(tag.description)}${operations.join("")}</section>`;
  }

  private operations(tag: string): [string, string, Item][] {
    return Object.entries(this.document.paths as Record<string, Item>).flatMap(([path, item]) =>
      METHODS.filter((method) => item[method]?.tags.includes(tag)).map(
        (method): [string, string, Item] => [
          method,
          path,
          { ...item[method], parameters: [...item.parameters, ...(item[method].parameters ?? [])] },
        ],
      ),
    );
  }

  private operation(method: string, path: string, operation: Item): string {
    const body = operation.requestBody && this.resolve(operation.requestBody);
    const responses = Object.entries(operation.responses as Record<string, Item>);
    return (
      `<article id="${operation.operationId}"><h3><code>${method.toUpperCase()} ${escape(path)}</code></h3>` +
      `<p><strong>${line(operation.summary)}</strong>${operation.deprecated ? " (deprecated)" : ""}</p>` +
      prose(operation.description) +
      this.parameters(operation.parameters) +
      (body ? `<h4>Request</h4>${this.content(body.content)}` : "") +
      `<h4>Responses</h4><dl>${responses.map(([status, found]) => this.response(status, this.resolve(found))).join("")}</dl>` +
      `</article>`
    );
  }

  private parameters(parameters: Item[]): string {
    const rows = parameters.map((found) => {
      const parameter = this.resolve(found);
      const required = parameter.required ? ", required" : "";
      return `<dt><code>${escape(parameter.name)}</code> (${parameter.in}${required})</dt><dd>${prose(parameter.description)}</dd>`;
    });
    return `<h4>Parameters</h4><dl>${rows.join("")}</dl>`;
  }

  private response(status: string, response: Item): string {
    return `<dt><code>${status}</code></dt><dd>${prose(response.description)}${this.content(response.content ?? {})}</dd>`;
  }

  private content(content: Record<string, Item>): string {
    return Object.entries(content)
      .map(([type, media]) => {
        const examples = Object.values((media.examples ?? {}) as Record<string, Item>);
        const shown = [
          ...(media.example ? [media.example] : []),
          ...examples.map((each) => each.value),
        ];
        const schema = Object.keys(media.schema).length ? `: ${this.kind(media.schema)}` : "";
        return `<p><code>${escape(type)}</code>${schema}</p>${shown.map(code).join("")}`;
      })
      .join("");
  }

  private schema(name: string, schema: Item): string {
    return `<article id="${anchor(name)}"><h3><code>${escape(name)}</code></h3>${prose(schema.description)}<p>${this.kind(schema)}</p>${this.members(schema)}</article>`;
  }

  private members(schema: Item): string {
    const rows = Object.entries((schema.properties ?? {}) as Record<string, Item>).map(
      ([name, member]) => {
        const optional = schema.required?.includes(name) ? "" : ", optional";
        return `<dt><code>${escape(name)}</code>: ${this.kind(member)}${optional}</dt><dd>${prose(member.description)}${this.members(member.items ?? member)}</dd>`;
      },
    );
    return rows.length ? `<dl>${rows.join("")}</dl>` : "";
  }

  /** The type of a value in a few words. */
  private kind(schema: Item): string {
    if (schema.$ref)
      return `<a href="#${anchor(nameOf(schema.$ref))}">${escape(nameOf(schema.$ref))}</a>`;
    if ("const" in schema) return `<code>${escape(JSON.stringify(schema.const))}</code>`;
    if (schema.enum)
      return schema.enum.map((each: unknown) => `<code>${escape(each)}</code>`).join(" or ");
    const choices = schema.anyOf ?? (schema.if && [schema.then, schema.else]);
    if (choices) return choices.map((each: Item) => this.kind(each)).join(" or ");
    const words = [schema.type].flat().filter(Boolean).join(" or ") || "anything";
    return schema.items && Object.keys(schema.items).length
      ? `${words} of ${this.kind(schema.items)}`
      : words;
  }

  private resolve(item: Item): Item {
    if (!item.$ref) return item;
    const parts: string[] = item.$ref.slice(2).split("/");
    return this.resolve(parts.reduce<Item>((found, part) => found[part], this.document));
  }
}
