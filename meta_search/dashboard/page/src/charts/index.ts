import "./charts.css";

export * from "./Front";
export * from "./Lanes";
export * from "./marks";
export * from "./plot";
export * from "./spending";
export * from "./Stairs";
