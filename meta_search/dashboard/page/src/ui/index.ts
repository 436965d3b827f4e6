export * from "./basics";
export * from "./overlay";
export * from "./table";
