//! Scalars with a meaning: each checks what comes in and says what is wrong.

use async_graphql::{
    Description, InputType, InputValueError, InputValueResult, Pos, Scalar, ScalarType, ServerError, Value,
};
use chrono::{DateTime as Moment, NaiveDate, Utc};

use crate::{error::Error, text};

/// A calendar day in Europe/Berlin as `YYYY-MM-DD`, from 1900-01-01 to 2199-12-31.
#[derive(Description, Clone, Copy, Debug)]
pub struct Date(pub NaiveDate);

/// A moment in UTC as in RFC 3339, to microseconds.
#[derive(Description, Clone, Copy, Debug)]
pub struct DateTime(pub Moment<Utc>);

/// A decimal number as text, exact: `"0.35"`. Money and rates have two places.
#[derive(Description, Clone, Debug)]
pub struct Decimal(pub String);

/// Amtlicher Gemeindeschlüssel: 8 digits as text, in North Rhine-Westphalia beginning with `05`; a Kreis has its 5
/// digits filled with `000`.
#[derive(Description, Clone, Debug)]
pub struct Ags(pub String);

/// Amtlicher Regionalschlüssel: 12 digits as text, in North Rhine-Westphalia beginning with `05`.
#[derive(Description, Clone, Debug)]
pub struct Ars(pub String);

/// A mailbox address.
#[derive(Description, Clone, Debug)]
pub struct EmailAddress(pub String);

/// A web address.
#[derive(Description, Clone, Debug)]
pub struct Url(pub String);

/// Any JSON value.
#[derive(Description, Clone, Debug)]
pub struct Json(pub serde_json::Value);

/// Two places for hundredths: cents, or hundredths of a percent.
pub fn hundredths(number: i64) -> Decimal {
    Decimal(text::hundredths(number))
}

/// Hundredths of a decimal number with at most two places, from 0 to `most`.
pub fn parse_hundredths(field: &str, number: &Decimal, most: i64) -> Result<i64, Error> {
    let (whole, places) = number.0.split_once('.').unwrap_or((&number.0, ""));
    let digits = if places.len() <= 2 { format!("{whole}{places:0<2}").parse::<i64>().ok() } else { None };
    digits.filter(|hundredths| (0..=most).contains(hundredths)).ok_or_else(|| {
        let most = hundredths(most).0;
        Error::bad_input(
            field,
            format!("{field} ist {}; möglich ist 0 bis {most} mit höchstens zwei Nachkommastellen.", number.0),
            format!("{field} is {}; possible is 0 to {most} with at most two places.", number.0),
        )
    })
}

/// An error of an input value in both languages; the HTTP handler picks one.
fn refuse<T: async_graphql::InputType>(field: &str, de: &str, en: &str) -> InputValueError<T> {
    InputValueError::custom(en).with_extension("field", field).with_extension("de", de).with_extension("en", en)
}

fn refused<T: ScalarType + InputType>(value: Value) -> Option<ServerError> {
    <T as ScalarType>::parse(value).err().map(|error| error.into_server_error(Pos::default()))
}

/// Checks a value for the scalar of a name, if it is one of these; the error names the path.
pub fn check(path: &str, name: &str, value: &Value) -> Result<(), Error> {
    let value = value.clone();
    let refused = match name {
        "AGS" => refused::<Ags>(value),
        "ARS" => refused::<Ars>(value),
        "Date" => refused::<Date>(value),
        "DateTime" => refused::<DateTime>(value),
        "Decimal" => refused::<Decimal>(value),
        "EmailAddress" => refused::<EmailAddress>(value),
        "Url" => refused::<Url>(value),
        _ => None,
    };
    let Some(refused) = refused else { return Ok(()) };
    let said = |language: &str| match refused.extensions.as_ref().and_then(|extensions| extensions.get(language)) {
        Some(Value::String(text)) => text.clone(),
        _ => refused.message.clone(),
    };
    Err(Error::bad_input(path, said("de"), said("en")))
}

#[Scalar(
    name = "Date",
    use_type_description = true,
    specified_by_url = "https://www.rfc-editor.org/rfc/rfc3339#section-5.6"
)]
impl ScalarType for Date {
    fn parse(value: Value) -> InputValueResult<Self> {
        let text = if let Value::String(text) = &value { text.as_str() } else { "" };
        let has_form = text.len() == 10 && text.is_ascii();
        let day = has_form.then(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()).flatten();
        match day {
            Some(day) if (1900..2200).contains(&chrono::Datelike::year(&day)) => Ok(Self(day)),
            _ => Err(refuse(
                "date",
                "Ein Datum wird als JJJJ-MM-TT erwartet, zwischen 1900 und 2199, zum Beispiel \"2027-07-01\".",
                "A date is expected as YYYY-MM-DD, between 1900 and 2199, for example \"2027-07-01\".",
            )),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

#[Scalar(
    name = "DateTime",
    use_type_description = true,
    specified_by_url = "https://www.rfc-editor.org/rfc/rfc3339#section-5.6"
)]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        let moment = if let Value::String(text) = &value { text.parse().ok() } else { None };
        moment.map(Self).ok_or_else(|| {
            refuse(
                "dateTime",
                "Ein Zeitpunkt wird nach RFC 3339 erwartet, zum Beispiel \"2027-07-01T08:00:00Z\".",
                "A moment is expected as in RFC 3339, for example \"2027-07-01T08:00:00Z\".",
            )
        })
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_rfc3339_opts(chrono::SecondsFormat::Micros, true))
    }
}

#[Scalar(
    name = "Decimal",
    use_type_description = true,
    specified_by_url = "https://www.w3.org/TR/xmlschema11-2/#decimal"
)]
impl ScalarType for Decimal {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value {
            Value::String(text) if is_decimal(&text) => Ok(Self(text)),
            _ => Err(refuse(
                "decimal",
                "Eine Dezimalzahl wird als Text mit Punkt erwartet, zum Beispiel \"0.35\".",
                "A decimal number is expected as text with a point, for example \"0.35\".",
            )),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.clone())
    }
}

#[Scalar(
    name = "AGS",
    use_type_description = true,
    specified_by_url = "https://www.destatis.de/DE/Themen/Laender-Regionen/Regionales/Gemeindeverzeichnis/_inhalt.html"
)]
impl ScalarType for Ags {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value {
            Value::String(text) if is_key(&text, 8) => Ok(Self(text)),
            _ => Err(refuse(
                "ags",
                "Ein AGS hat 8 Ziffern als Text und beginnt in NRW mit 05, zum Beispiel \"05334002\".",
                "An AGS has 8 digits as text and begins with 05 in North Rhine-Westphalia, for example \"05334002\".",
            )),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.clone())
    }
}

#[Scalar(
    name = "ARS",
    use_type_description = true,
    specified_by_url = "https://www.destatis.de/DE/Themen/Laender-Regionen/Regionales/Gemeindeverzeichnis/_inhalt.html"
)]
impl ScalarType for Ars {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value {
            Value::String(text) if is_key(&text, 12) => Ok(Self(text)),
            _ => Err(refuse(
                "ars",
                "Ein ARS hat 12 Ziffern als Text und beginnt in NRW mit 05, zum Beispiel \"053340002002\".",
                "An ARS has 12 digits as text and begins with 05 in North Rhine-Westphalia, for example \"053340002002\".",
            )),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.clone())
    }
}

#[Scalar(
    name = "EmailAddress",
    use_type_description = true,
    specified_by_url = "https://html.spec.whatwg.org/multipage/input.html#valid-e-mail-address"
)]
impl ScalarType for EmailAddress {
    fn parse(value: Value) -> InputValueResult<Self> {
        let is_address = |text: &str| {
            let parts = text.split_once('@');
            text.len() <= 254 && parts.is_some_and(|(name, host)| !name.is_empty() && host.contains('.'))
        };
        match value {
            Value::String(text) if is_address(&text) => Ok(Self(text)),
            _ => Err(refuse(
                "email",
                "Eine E-Mail-Adresse wird erwartet, zum Beispiel \"it@stadt.example\".",
                "An e-mail address is expected, for example \"it@stadt.example\".",
            )),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.clone())
    }
}

#[Scalar(name = "Url", use_type_description = true, specified_by_url = "https://url.spec.whatwg.org/")]
impl ScalarType for Url {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value {
            Value::String(text) if url::Url::parse(&text).is_ok() => Ok(Self(text)),
            _ => Err(refuse(
                "url",
                "Eine vollständige Web-Adresse wird erwartet, zum Beispiel \"https://stadt.example/\".",
                "A whole web address is expected, for example \"https://stadt.example/\".",
            )),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.clone())
    }
}

#[Scalar(name = "JSON", use_type_description = true, specified_by_url = "https://www.rfc-editor.org/rfc/rfc8259")]
impl ScalarType for Json {
    fn parse(value: Value) -> InputValueResult<Self> {
        Ok(Self(value.into_json().map_err(|error| InputValueError::custom(error.to_string()))?))
    }

    fn to_value(&self) -> Value {
        Value::from_json(self.0.clone()).unwrap_or(Value::Null)
    }
}

fn is_key(text: &str, digits: usize) -> bool {
    text.len() == digits && text.starts_with("05") && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_decimal(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    text.len() <= 40 && is_digits(whole) && is_digits(fraction)
}
